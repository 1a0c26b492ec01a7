-- every figure that is not what was reported; what did not exist as a figure then, or does not now, is left out
create or replace temp table differences as
with

known as (
    select distinct close_month, metric_id, measure
    from reported
    where list_contains(?, metric_id || '.' || measure)
),

compared as (
    select
        metric_id, period_grain, period_start, dimension, dimension_value, measure,
        coalesce(was.period_end, is_now.period_end) as period_end,
        coalesce(was.dimension_label, is_now.dimension_label) as dimension_label,
        was.value as reported_value,
        is_now.value as current_value,
        coalesce(was.is_exact, true) and coalesce(is_now.is_exact, true) as is_exact
    from reported as was
    full outer join current_figures as is_now
        using (metric_id, period_grain, period_start, dimension, dimension_value, measure)
),

-- averages are doubles, whose last bits depend on the order of rows
differing as (
    select * from compared
    where reported_value is distinct from current_value
        and (
            is_exact or reported_value is null or current_value is null
            or abs(reported_value - current_value) > 1e-9 * greatest(1, abs(reported_value))
        )
)

select
    row_number() over (
        order by metric_id, period_grain, period_start, dimension, dimension_value, measure
    ) as figure_id,
    differing.*,
    closed_periods.close_month,
    closed_periods.version
from differing
inner join closed_periods using (period_grain, period_start)
semi join known
    on closed_periods.close_month = known.close_month
    and differing.metric_id = known.metric_id
    and differing.measure = known.measure
