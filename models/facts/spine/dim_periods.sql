with

-- the first day that anything happened, whatever it was; plans open no period
first_events as (
    select min(sold_on) as event_on from {{ ref('fct_sales') }}
    union all
    select min(revenue_on) from {{ ref('fct_revenue_lines') }}
    union all
    select min(created_on) from {{ ref('fct_deals') }}
    union all
    select min(closed_on) from {{ ref('fct_deals') }}
    union all
    select min(changed_on) from {{ ref('fct_deal_stage_changes') }}
    union all
    select min(created_on) from {{ ref('fct_leads') }}
    union all
    select min(least(occurred_on, booked_on)) from {{ ref('fct_activities') }}
    union all
    select min(changed_on) from {{ ref('fct_subscription_changes') }}
    union all
    select min(received_on) from {{ ref('fct_inquiries') }}
    union all
    select min(responded_on) from {{ ref('fct_csat_responses') }}
    union all
    select min(spend_on) from {{ ref('fct_ad_spend') }}
    union all
    select min(engaged_on) from {{ ref('fct_social_engagements') }}
),

bounds as (
    select coalesce(min(event_on), {{ as_of_date() }}) as first_on, {{ as_of_date() }} as last_on from first_events
),

numbers as (
    {{ whole_numbers(65536) }}
),

days as (
    select {{ days_after('bounds.last_on', '-(numbers.whole_number - 1)') }} as day_on
    from bounds
    inner join numbers
        on {{ days_after('bounds.last_on', '-(numbers.whole_number - 1)') }} >= bounds.first_on
),

starts as (
    {% for grain in period_grains() %}
    select '{{ grain }}' as period_grain, {{ period_start(grain, 'day_on') }} as period_start
    from days
    group by {{ period_start(grain, 'day_on') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

periods as (
    {% for grain in period_grains() %}
    select
        period_grain,
        period_start,
        {{ days_after(period_after(grain, 'period_start', 1), -1) }} as period_end,
        {{ covered_from(grain, 'period_start') }} as covered_from,
        {{ period_label(grain, 'period_start') }} as period_label,
        {{ period_after(grain, 'period_start', -1) }} as prior_period_start,
        {{ period_after(grain, 'period_start', -periods_per_year(grain)) }} as prior_year_start
    from starts
    where period_grain = '{{ grain }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    period_grain,
    period_start,
    period_end,
    covered_from,
    {{ days_after('covered_from', -1) }} as opening_on,
    least(period_end, {{ as_of_date() }}) as balance_on,
    -- the twelve months up to a day begin on the day after it, a year earlier: up to February, on the first of March
    {{ days_after(months_after(days_after('least(period_end, ' ~ as_of_date() ~ ')', 1), -12), -1) }} as year_before_on,
    period_end < {{ as_of_date() }} as is_complete,
    period_label,
    prior_period_start,
    prior_year_start
from periods
