with

periods as (
    select period_grain, period_start, balance_on, year_before_on from {{ ref('dim_periods') }}
),

customer_values as (
    select
        period_grain, period_start, {{ key_of('fct_customer_values') }} as fact_key, lead_source,
        year_margin_revenue, year_margin_cost
    from {{ ref('fct_customer_values') }}
),

acquisition as (
    {{ acquisition_costs() }}
),

-- what was spent, and whom it won, in the twelve months that end with the period
acquisition_years as (
    select
        periods.period_grain, periods.period_start, acquisition.fact, acquisition.fact_key, acquisition.cost,
        acquisition.new_customers, acquisition.lead_source
    from acquisition
    inner join periods
        on acquisition.event_on > periods.year_before_on and acquisition.event_on <= periods.balance_on
),

-- for how long these customers have been there, their first day included, in months of 365/12 days
won_customers as (
    select
        periods.period_grain, periods.period_start, periods.balance_on, customers.account_id,
        customers.became_customer_on, customers.lead_source,
        {{ days_between('customers.became_customer_on', 'periods.balance_on') }} + 1 as customer_days
    from {{ ref('fct_customers') }} as customers
    inner join periods
        on customers.became_customer_on > periods.year_before_on
        and customers.became_customer_on <= periods.balance_on
),

-- and what they have brought
won_revenue as (
    select
        customers.period_grain, customers.period_start, customers.lead_source, lines.revenue_line_id, lines.amount
    from {{ ref('fct_revenue_lines') }} as lines
    inner join won_customers as customers
        on lines.account_id = customers.account_id
        and lines.revenue_on >= customers.became_customer_on
        and lines.revenue_on <= customers.balance_on
),

parts as (
    select
        period_grain, period_start, 'numerator: acquisition cost' as part, fact, fact_key, cost as numerator,
        new_customers as denominator, lead_source
    from acquisition_years
    union all
    select
        period_grain, period_start, 'denominator: monthly revenue per customer' as part, 'fct_customers' as fact,
        account_id as fact_key, 0 as numerator, customer_days / (365.0 / 12) as denominator, lead_source
    from won_customers
    union all
    select
        period_grain, period_start, 'denominator: monthly revenue per customer' as part, 'fct_revenue_lines' as fact,
        revenue_line_id as fact_key, amount as numerator, 0 as denominator, lead_source
    from won_revenue
    union all
    select
        period_grain, period_start, 'denominator: gross margin' as part, 'fct_customer_values' as fact, fact_key,
        year_margin_revenue - year_margin_cost as numerator, year_margin_revenue as denominator, lead_source
    from customer_values
),

{{ rows_behind('cac_payback_months', 'parts',
    cuts=['lead_source'], numerator='numerator', denominator='denominator', dated_by=none, part='part',
) }},

earnings as (
    select
        period_grain, period_start, lead_source, 0 as customer_days, amount as revenue,
        cast(0 as {{ money() }}) as margin_revenue, cast(0 as {{ money() }}) as margin_cost
    from won_revenue
    union all
    select
        period_grain, period_start, lead_source, customer_days, 0 as revenue, 0 as margin_revenue, 0 as margin_cost
    from won_customers
    union all
    select
        period_grain, period_start, lead_source, 0 as customer_days, 0 as revenue,
        year_margin_revenue as margin_revenue, year_margin_cost as margin_cost
    from customer_values
),

earned as (
    {{ roll_up('earnings',
        cuts=['lead_source'],
        sums={
            'customer_days': 'sum(customer_days)',
            'revenue': 'sum(revenue)',
            'margin_revenue': 'sum(margin_revenue)',
            'margin_cost': 'sum(margin_cost)',
        },
        dated_by=none,
        keep_if='sum(customer_days) > 0',
    ) }}
),

-- without revenue there is no margin, and nothing made of it
profits as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        case
            when margin_revenue > 0
                then
                    {{ ratio('revenue', 'customer_days') }} * 365 / 12
                    * {{ ratio('(margin_revenue - margin_cost)', 'margin_revenue') }}
        end as monthly_gross_profit
    from earned
),

costs as (
    {{ acquisition_cost_of('acquisition_years') }}
),

-- a channel may have cost something and won nobody yet
compared as (
    {{ side_by_side('profits', ['monthly_gross_profit'], 'costs', ['acquisition_cost']) }}
),

-- a loss never pays back
measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        acquisition_cost as numerator,
        monthly_gross_profit as denominator,
        case
            when monthly_gross_profit > 0 then {{ ratio('acquisition_cost', 'monthly_gross_profit') }}
        end as metric_value,
        acquisition_cost as customer_acquisition_cost,
        monthly_gross_profit
    from compared
)

{{ kpi_mart('cac_payback_months', extras=['customer_acquisition_cost', 'monthly_gross_profit']) }}
