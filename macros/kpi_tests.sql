{#
    What holds of every KPI mart. Each returned row is a broken rule with its key.

    - the key (period_grain, period_start, dimension, dimension_value) is unique
    - `all` has a row for every period of the mart's grains, and every cut row lies in the spine
    - a zero or NULL denominator gives NULL, any other numerator / denominator; without denominators the value is
      the numerator; a NULL value never stands beside a denominator above zero. Where an input never landed, all values
      are NULL
    - prior values are the values of the rows one period and one year earlier
    - rate: 0 <= value <= 1, numerator <= denominator
    - additive: every cut listed adds up to `all`
#}
{% test kpi_invariants(model, has_denominator=true, is_rate=false, additive_cuts=[], grains=none, spine='dim_periods') %}
{%- set grains = grains or period_grains() %}
with

rows as (
    select
        metric_id, period_grain, period_start, period_end, is_complete, dimension, dimension_value, dimension_label,
        numerator, denominator, metric_value, prior_period_value, prior_year_value
    from {{ model }}
),

missing as (
    select metric_id from {{ ref('dim_missing_inputs') }}
    group by metric_id
),

periods as (
    select period_grain, period_start, prior_period_start, prior_year_start from {{ ref(spine) }}
    where period_grain in ('{{ grains | join("', '") }}')
)

select 'key is not unique' as broken_rule, period_grain, period_start, dimension, dimension_value
from rows
group by period_grain, period_start, dimension, dimension_value
having count(*) > 1

union all

select 'all lacks a period' as broken_rule, periods.period_grain, periods.period_start, 'all', 'all'
from periods
left join rows
    on periods.period_grain = rows.period_grain and periods.period_start = rows.period_start and rows.dimension = 'all'
where rows.period_grain is null

union all

select 'row outside the spine' as broken_rule, rows.period_grain, rows.period_start, rows.dimension, rows.dimension_value
from rows
left join periods on rows.period_grain = periods.period_grain and rows.period_start = periods.period_start
where periods.period_grain is null

union all

select 'value is not numerator / denominator' as broken_rule, period_grain, period_start, dimension, dimension_value
from rows
left join missing on rows.metric_id = missing.metric_id
where
    missing.metric_id is not null and rows.metric_value is not null
    or missing.metric_id is null and (
    {% if has_denominator %}
    (coalesce(denominator, 0) = 0 and metric_value is not null)
    or (denominator > 0 and numerator is not null and metric_value is null)
    -- numerator and denominator are published with 6 decimals, which is little of an hour or a day
    or (
        denominator <> 0
        and abs(cast(metric_value as {{ double_type() }}) * cast(denominator as {{ double_type() }}) - cast(numerator as {{ double_type() }}))
        > 0.00001 * abs(cast(numerator as {{ double_type() }})) + 0.000001 * (1 + abs(cast(metric_value as {{ double_type() }})))
    )
    {% else %}
    denominator is not null or metric_value is null or abs(metric_value - numerator) > 0.00005
    {% endif %}
    )

union all

select 'prior value is not the earlier row' as broken_rule, rows.period_grain, rows.period_start, rows.dimension, rows.dimension_value
from rows
inner join periods on rows.period_grain = periods.period_grain and rows.period_start = periods.period_start
left join rows as earlier
    on rows.period_grain = earlier.period_grain
    and periods.prior_period_start = earlier.period_start
    and rows.dimension = earlier.dimension
    and rows.dimension_value = earlier.dimension_value
left join rows as last_year
    on rows.period_grain = last_year.period_grain
    and periods.prior_year_start = last_year.period_start
    and rows.dimension = last_year.dimension
    and rows.dimension_value = last_year.dimension_value
where
    rows.prior_period_value is distinct from earlier.metric_value
    or rows.prior_year_value is distinct from last_year.metric_value
{% if is_rate %}

union all

select 'rate outside 0 to 1' as broken_rule, period_grain, period_start, dimension, dimension_value
from rows
where metric_value < 0 or metric_value > 1 or numerator > denominator
{% endif %}
{%- for cut in additive_cuts %}

union all

select '{{ cut }} does not add up to all' as broken_rule, alls.period_grain, alls.period_start, '{{ cut }}', 'all'
from rows as alls
left join rows as cuts
    on alls.period_grain = cuts.period_grain and alls.period_start = cuts.period_start and cuts.dimension = '{{ cut }}'
where alls.dimension = 'all'
group by alls.period_grain, alls.period_start, alls.numerator, alls.denominator
having
    abs(coalesce(sum(cuts.numerator), 0) - coalesce(alls.numerator, 0)) > 0.001
    or abs(coalesce(sum(cuts.denominator), 0) - coalesce(alls.denominator, 0)) > 0.001
{%- endfor %}
{% endtest %}
