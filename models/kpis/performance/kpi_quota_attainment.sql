with

quotas as (
    select
        quota_month, rep_id, quota_amount, sales_rep_id, team, {{ key_of('fct_sales_quotas') }} as fact_key
    from {{ ref('fct_sales_quotas') }}
),

-- what a rep won in the months with a quota, by the key the CRM gives the owner
events as (
    select
        quota_month as event_on, 'fct_sales_quotas' as fact, fact_key, rep_id,
        cast(0 as {{ money() }}) as numerator, quota_amount as denominator, sales_rep_id, team
    from quotas
    union all
    select
        deals.closed_on as event_on, 'fct_deals' as fact, deals.deal_id as fact_key, quotas.rep_id,
        deals.amount as numerator, 0 as denominator, quotas.sales_rep_id, quotas.team
    from {{ ref('fct_deals') }} as deals
    inner join quotas
        on deals.owner_rep_id = quotas.rep_id and {{ period_start('month', 'deals.closed_on') }} = quotas.quota_month
    where deals.is_won
),

events_of_periods as (
    select
        periods.period_grain, periods.period_start, events.fact, events.fact_key, events.rep_id,
        events.numerator, events.denominator, events.sales_rep_id, events.team
    from events
    inner join {{ ref('dim_period_dates') }} as periods on events.event_on = periods.date_on
    where periods.period_grain <> 'week'
),

rep_periods as (
    select
        period_grain, period_start, rep_id, sales_rep_id, team,
        sum(numerator) as won_amount, sum(denominator) as quota_amount
    from events_of_periods
    group by period_grain, period_start, rep_id, sales_rep_id, team
)

{{ kpi('quota_attainment', 'rep_periods',
    cuts=['sales_rep', 'team'],
    numerator='won_amount',
    denominator='quota_amount',
    drill='events_of_periods',
    sums={
        'reps_with_quota': 'count(*)',
        'reps_attained': count_if('quota_amount > 0 and won_amount >= quota_amount'),
    },
    dated_by=none,
    grains=['month', 'quarter', 'year'],
    target=1,
) }}
