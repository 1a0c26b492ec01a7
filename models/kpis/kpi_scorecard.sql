-- made some periods at a time: {{ ref('dim_periods') }}
with

catalog as (
    select metric_id, name_en, name_ko, category, unit, is_higher_better, missing_inputs
    from {{ ref('kpi_catalog') }}
    where is_primary_name
),

reps as (
    select sales_rep_id, team from {{ ref('dim_sales_reps') }}
),

marts as (
    {% for metric in kpi_metrics() %}
    select
        metric_id, period_grain, period_start, period_end, is_complete, period_label, dimension, dimension_value,
        dimension_label, numerator, denominator,
        cast(metric_value as {{ double_type() }}) as metric_value,
        cast(prior_period_value as {{ double_type() }}) as prior_period_value,
        cast(prior_year_value as {{ double_type() }}) as prior_year_value,
        cast(target_value as {{ double_type() }}) as target_value
    from {{ ref('kpi_' ~ metric) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- the best rep has rank 1 and equals share one; a rep without a value, and the unknown rep, have none
leaderboard as (
    select
        marts.metric_id,
        marts.period_grain,
        marts.period_start,
        marts.dimension,
        marts.dimension_value,
        reps.team,
        cast(rank() over (
            partition by marts.metric_id, marts.period_grain, marts.period_start
            order by case when catalog.is_higher_better then -marts.metric_value else marts.metric_value end
        ) as bigint) as rank_in_company,
        cast(rank() over (
            partition by marts.metric_id, marts.period_grain, marts.period_start, reps.team
            order by case when catalog.is_higher_better then -marts.metric_value else marts.metric_value end
        ) as bigint) as rank_in_team
    from marts
    inner join catalog on marts.metric_id = catalog.metric_id
    inner join reps on marts.dimension_value = reps.sales_rep_id
    where marts.dimension = 'sales_rep' and marts.dimension_value <> 'unknown' and marts.metric_value is not null
)

select
    marts.metric_id,
    marts.period_grain,
    marts.period_start,
    marts.period_end,
    marts.is_complete,
    marts.period_label,
    marts.dimension,
    marts.dimension_value,
    marts.dimension_label,
    marts.numerator,
    marts.denominator,
    marts.metric_value,
    marts.prior_period_value,
    marts.prior_year_value,
    marts.target_value,
    catalog.name_en,
    catalog.name_ko,
    catalog.category,
    catalog.unit,
    catalog.is_higher_better,
    catalog.missing_inputs,
    leaderboard.team,
    leaderboard.rank_in_company,
    leaderboard.rank_in_team
from marts
inner join catalog on marts.metric_id = catalog.metric_id
left join leaderboard
    on marts.metric_id = leaderboard.metric_id
    and marts.dimension = leaderboard.dimension
    and marts.period_grain = leaderboard.period_grain
    and marts.period_start = leaderboard.period_start
    and marts.dimension_value = leaderboard.dimension_value
