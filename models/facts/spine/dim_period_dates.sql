with

periods as (
    select period_grain, period_start, covered_from, period_end from {{ ref('dim_periods') }}
),

-- no period is longer than 366 days
numbers as (
    {{ whole_numbers(366) }}
)

select
    {{ days_after('periods.covered_from', '(numbers.whole_number - 1)') }} as date_on,
    periods.period_grain,
    periods.period_start
from periods
inner join numbers
    on {{ days_after('periods.covered_from', '(numbers.whole_number - 1)') }} <= periods.period_end
