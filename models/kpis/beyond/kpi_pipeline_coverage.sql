with

pipeline as (
    select period_grain, period_start, dimension, dimension_value, numerator as open_amount
    from {{ ref('kpi_pipeline_value') }}
    where period_grain in ('month', 'quarter', 'year') and dimension in ('all', 'team', 'region')
),

attainment as (
    select period_grain, period_start, dimension, dimension_value, gap_amount
    from {{ ref('kpi_sales_target_attainment') }}
    where target_amount is not null
),

-- the deals open at a period's end; its targets, each in its own scope alone, less the revenue of who has a target
events as (
    select
        periods.period_grain, periods.period_start, 'fct_deal_open_intervals' as fact,
        {{ key_of('fct_deal_open_intervals', 'deals') }} as fact_key, true as is_in_all,
        deals.amount as open_amount, 0 as missing_amount, deals.team, deals.region
    from {{ ref('fct_deal_open_intervals') }} as deals
    inner join {{ ref('dim_periods') }} as periods
        on periods.balance_on >= deals.open_from and periods.balance_on < deals.open_to
    union all
    select
        dates.period_grain, dates.period_start, 'fct_sales_targets' as fact,
        {{ key_of('fct_sales_targets', 'targets') }} as fact_key, targets.scope = 'company' as is_in_all,
        0 as open_amount, targets.amount as missing_amount,
        case when targets.scope = 'team' then targets.scope_value end as team,
        case when targets.scope = 'region' then targets.scope_value end as region
    from {{ ref('fct_sales_targets') }} as targets
    inner join {{ ref('dim_period_dates') }} as dates on targets.target_month = dates.date_on
    {%- for scope in ['all', 'team', 'region'] %}
    union all
    select
        dates.period_grain, dates.period_start, 'fct_revenue_lines' as fact, lines.revenue_line_id as fact_key,
        {{ scope == 'all' }} as is_in_all, 0 as open_amount, -lines.amount as missing_amount,
        {{ 'lines.team' if scope == 'team' else 'null' }} as team,
        {{ 'lines.region' if scope == 'region' else 'null' }} as region
    from {{ ref('fct_revenue_lines') }} as lines
    inner join {{ ref('dim_period_dates') }} as dates on lines.revenue_on = dates.date_on
    inner join attainment
        on dates.period_grain = attainment.period_grain
        and dates.period_start = attainment.period_start
        and attainment.dimension = '{{ scope }}'
        and attainment.dimension_value = {{ "'all'" if scope == 'all' else 'lines.' ~ scope }}
    {%- endfor %}
),

{{ rows_behind('pipeline_coverage', 'events',
    cuts=['team', 'region'], numerator='open_amount', denominator='missing_amount', dated_by=none, in_all='is_in_all',
) }},

-- a team may have a pipeline without a target, or a target without a pipeline
compared as (
    {{ side_by_side('pipeline', ['open_amount'], 'attainment', ['gap_amount']) }}
),

-- a target that is beaten lacks nothing, so there is nothing to cover
measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        coalesce(open_amount, 0) as numerator,
        case when gap_amount > 0 then gap_amount end as denominator,
        case when gap_amount > 0 then {{ ratio('coalesce(open_amount, 0)', 'gap_amount') }} end as metric_value
    from compared
)

{{ kpi_mart('pipeline_coverage') }}
