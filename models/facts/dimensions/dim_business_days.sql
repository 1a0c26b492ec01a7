with

numbers as (
    {{ whole_numbers(65536) }}
),

days as (
    select {{ days_after(as_of_date(), '-(whole_number - 1)') }} as date_on from numbers
),

business_hours as (
    select weekday, opens_at, closes_at from {{ ref('business_hours') }}
),

holidays as (
    select holiday_on from {{ ref('holidays') }}
),

hours as (
    select
        days.date_on,
        {{ at_clock('days.date_on', 'business_hours.opens_at') }} as opens_at,
        {{ at_clock('days.date_on', 'business_hours.closes_at') }} as closes_at,
        holidays.holiday_on is not null as is_holiday
    from days
    left join business_hours on {{ iso_weekday('days.date_on') }} = business_hours.weekday
    left join holidays on days.date_on = holidays.holiday_on
),

-- a day without hours, or a holiday, is open for no minute
opened as (
    select
        date_on,
        coalesce(opens_at, cast(date_on as timestamp)) as opens_at,
        case
            when opens_at is null or is_holiday then 0
            else {{ seconds_between('opens_at', 'closes_at') }} / 60
        end as open_minutes
    from hours
)

select
    date_on,
    opens_at,
    cast(open_minutes as {{ double_type() }}) as open_minutes,
    cast(coalesce(
        sum(open_minutes) over (order by date_on rows between unbounded preceding and 1 preceding), 0
    ) as {{ double_type() }}) as open_minutes_before
from opened
