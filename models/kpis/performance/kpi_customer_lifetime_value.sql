with

parts as (
    select
        period_grain, period_start, region, segment, lead_source, revenue_to_date, customers_to_date, year_revenue,
        year_margin_revenue, year_margin_cost, active_customers, active_year_before, lapsed_in_year
    from {{ ref('fct_customer_values') }}
),

periods as (
    select period_grain, period_start, balance_on from {{ ref('dim_periods') }}
),

-- the rows that revenue_to_date and customers_to_date are the sums of
events as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key,
        amount as numerator, 0 as denominator, account_id
    from {{ ref('fct_revenue_lines') }}
    where account_id <> 'unknown'
    union all
    select
        became_customer_on as event_on, 'fct_customers' as fact, account_id as fact_key,
        0 as numerator, 1 as denominator, account_id
    from {{ ref('fct_customers') }}
),

events_to_date as (
    select
        periods.period_grain, periods.period_start, events.fact, events.fact_key,
        events.numerator, events.denominator, accounts.region, accounts.segment, accounts.lead_source
    from events
    inner join periods on events.event_on <= periods.balance_on
    {{ join_account('events.account_id', 'periods.balance_on') }}
)

-- predicted: what a customer brings in a year x what stays of it x how many years it stays
{{ kpi('customer_lifetime_value', 'parts',
    cuts=['region', 'segment', 'lead_source'],
    numerator='revenue_to_date',
    denominator='customers_to_date',
    drill='events_to_date',
    stats={
        'predicted_lifetime_value': 'case when sum(year_margin_revenue) > 0 then '
        ~ ratio('sum(year_revenue)', 'sum(active_customers)')
        ~ ' * ' ~ ratio('(sum(year_margin_revenue) - sum(year_margin_cost))', 'sum(year_margin_revenue)')
        ~ ' / nullif(' ~ ratio('sum(lapsed_in_year)', 'sum(active_year_before)') ~ ', 0) end',
    },
    dated_by=none,
) }}
