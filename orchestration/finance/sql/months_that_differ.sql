-- the closed months whose figures are not, all together, what was reported: by one hash a month, before a look at each
with

reported as (
    select closed_periods.close_month, bit_xor(hash($key, value)) as figures, count(*) as figure_count
    from read_parquet([$files], union_by_name = true)
    inner join closed_periods using (period_grain, period_start)
    group by closed_periods.close_month
),

today as (
    select closed_periods.close_month, bit_xor(hash($key, value)) as figures, count(*) as figure_count
    from ($measures)
    inner join closed_periods using (period_grain, period_start)
    group by closed_periods.close_month
)

select close_month
from reported
full outer join today using (close_month)
where reported.figures is distinct from today.figures or reported.figure_count is distinct from today.figure_count
