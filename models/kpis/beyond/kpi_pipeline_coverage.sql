{%- set grains = ['month', 'quarter', 'year'] -%}
{%- set cuts = ['team', 'region'] -%}
with

periods as (
    select period_grain, period_start, period_end, opening_on, balance_on, year_before_on
    from {{ ref('dim_periods') }}
    where period_grain <> 'week'
),

targets as (
    {{ revenue_targets() }}
),

revenue as (
    select period_grain, period_start, dimension, dimension_value, numerator as revenue
    from {{ ref('kpi_revenue') }}
),

-- the deals open as a period begins, and its targets, each in its own scope alone
planned as (
    select
        periods.period_grain, periods.period_start, 'fct_deal_open_intervals' as fact,
        {{ key_of('fct_deal_open_intervals', 'deals') }} as fact_key, true as is_in_all,
        deals.amount as open_amount, 0 as target_amount, deals.team, deals.region
    from {{ ref('fct_deal_open_intervals') }} as deals
    inner join periods on periods.opening_on >= deals.open_from and periods.opening_on < deals.open_to
    union all
    select
        dates.period_grain, dates.period_start, 'fct_sales_targets' as fact,
        {{ key_of('fct_sales_targets', 'targets') }} as fact_key, targets.scope = 'company' as is_in_all,
        0 as open_amount, targets.amount as target_amount,
        case when targets.scope = 'team' then targets.scope_value end as team,
        case when targets.scope = 'region' then targets.scope_value end as region
    from {{ ref('fct_sales_targets') }} as targets
    inner join {{ ref('dim_period_dates') }} as dates on targets.target_month = dates.date_on
),

{{ rows_behind('pipeline_coverage', 'planned',
    cuts=cuts, numerator='open_amount', denominator='target_amount', dated_by=none, in_all='is_in_all',
) }},

covered as (
    {{ roll_up('planned',
        cuts=cuts,
        sums={'open_amount': 'sum(open_amount)'},
        dated_by=none,
        grains=grains,
        in_all='is_in_all',
    ) }}
),

-- what is open at the period's end and expected by then, what is overdue included; and of the deals closed in the
-- last year what was won
moves as (
    select
        periods.period_grain, periods.period_start, open_deals.amount as expected_amount, 0 as won_amount,
        0 as closed_amount, open_deals.team, open_deals.region
    from {{ ref('fct_deal_open_intervals') }} as open_deals
    inner join {{ ref('fct_deals') }} as deals on open_deals.deal_id = deals.deal_id
    inner join periods
        on periods.balance_on >= open_deals.open_from
        and periods.balance_on < open_deals.open_to
        and deals.expected_close_on <= periods.period_end
    union all
    select
        periods.period_grain, periods.period_start, 0 as expected_amount,
        {{ amount_if('deals.amount', 'deals.is_won') }} as won_amount, deals.amount as closed_amount,
        deals.team, deals.region
    from {{ ref('fct_deals') }} as deals
    inner join periods on deals.closed_on > periods.year_before_on and deals.closed_on <= periods.balance_on
),

moved as (
    {{ roll_up('moves',
        cuts=cuts,
        sums={
            'expected_amount': 'sum(expected_amount)',
            'won_amount': 'sum(won_amount)',
            'closed_amount': 'sum(closed_amount)',
        },
        dated_by=none,
        grains=grains,
    ) }}
),

compared as (
    select
        covered.period_grain,
        covered.period_start,
        covered.dimension,
        covered.dimension_value,
        covered.open_amount,
        targets.target_value as target_amount,
        case
            when targets.target_value is not null
                then greatest(targets.target_value - coalesce(revenue.revenue, 0), 0)
        end as remaining_target,
        coalesce(moved.expected_amount, 0) as expected_amount,
        {{ ratio('moved.closed_amount', 'moved.won_amount') }} as needed_coverage
    from covered
    left join targets
        on covered.period_grain = targets.period_grain
        and covered.period_start = targets.period_start
        and covered.dimension = targets.dimension
        and covered.dimension_value = targets.dimension_value
    left join revenue
        on covered.period_grain = revenue.period_grain
        and covered.period_start = revenue.period_start
        and covered.dimension = revenue.dimension
        and covered.dimension_value = revenue.dimension_value
    left join moved
        on covered.period_grain = moved.period_grain
        and covered.period_start = moved.period_start
        and covered.dimension = moved.dimension
        and covered.dimension_value = moved.dimension_value
),

-- of a target nearly met, what is left says nothing
measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        open_amount as numerator,
        target_amount as denominator,
        {{ ratio('open_amount', 'target_amount') }} as metric_value,
        remaining_target,
        case
            when remaining_target >= target_amount / 10 then {{ ratio('expected_amount', 'remaining_target') }}
        end as coverage_of_remaining,
        needed_coverage
    from compared
)

{{ kpi_mart('pipeline_coverage', extras=['remaining_target', 'coverage_of_remaining', 'needed_coverage']) }}
