{# Minutes between two moments by the clock that response_time_clock sets. With business_hours the relation must be
   joined to response_days(), which adds what each end's day was open. #}
{% macro response_minutes(earlier, later) -%}
    {%- if var('response_time_clock') == 'business_hours' -%}
    case
        -- a day alone stands for its midnight, and so does what it is compared with
        when {{ holds_a_day(earlier, later) }} then end_days.open_minutes_before - start_days.open_minutes_before
        else {{ open_minutes_until(later, 'end_days') }} - {{ open_minutes_until(earlier, 'start_days') }}
    end
    {%- else -%}
    {{ seconds_from(earlier, later) }} / 60
    {%- endif -%}
{%- endmacro %}

{# Minutes the business was open from the beginning of its calendar until a moment of the day joined as `day`. #}
{% macro open_minutes_until(moment, day) -%}
    ({{ day }}.open_minutes_before
    + greatest(0, least({{ day }}.open_minutes, {{ seconds_between(day ~ '.opens_at', local_timestamp(moment)) }} / 60)))
{%- endmacro %}

{% macro response_days(earlier, later) -%}
    {%- if var('response_time_clock') == 'business_hours' %}
    left join {{ ref('dim_business_days') }} as start_days on {{ local_date(earlier) }} = start_days.date_on
    left join {{ ref('dim_business_days') }} as end_days on {{ local_date(later) }} = end_days.date_on
    {%- endif -%}
{%- endmacro %}
