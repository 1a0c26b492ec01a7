with

-- from a day that lies in the first period of every grain, to the as-of date
grain_bounds as (
    select period_grain, min(period_start) as first_on, max(balance_on) as last_on from {{ ref('dim_periods') }}
    group by period_grain
),

bounds as (
    select max(first_on) as first_on, max(last_on) as last_on from grain_bounds
),

days as (
    select date_on from {{ ref('dim_period_dates') }}
    where period_grain = 'month'
)

select
    days.date_on,
    {{ period_start('quarter', 'days.date_on') }} as fiscal_quarter,
    {{ period_start('year', 'days.date_on') }} as fiscal_year
from days
inner join bounds on days.date_on between bounds.first_on and bounds.last_on
