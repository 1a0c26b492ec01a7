with

numbers as (
    {{ whole_numbers(4) }}
),

-- the current period and the next three
starts as (
    {% for grain in ['month', 'quarter'] %}
    {%- set step = {'month': 1, 'quarter': 3}[grain] %}
    select
        '{{ grain }}' as period_grain,
        {{ months_after(
            period_start(grain, as_of_date()), '((whole_number - 1) * ' ~ step ~ ')'
        ) }} as period_start
    from numbers
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

{% for grain in ['month', 'quarter'] %}
select
    period_grain,
    period_start,
    {{ days_after(period_after(grain, 'period_start', 1), -1) }} as period_end,
    {{ period_label(grain, 'period_start') }} as period_label,
    false as is_complete,
    {{ period_after(grain, 'period_start', -1) }} as prior_period_start,
    {{ period_after(grain, 'period_start', -periods_per_year(grain)) }} as prior_year_start
from starts
where period_grain = '{{ grain }}'
{{ 'union all' if not loop.last }}
{% endfor %}
