{# Money in the reporting currency: amount x rate, rounded half away from zero to 4 decimals. `rate` is NULL for the
   reporting currency itself (rows without any rate never get here: staging sets them aside). #}
{% macro converted(amount, rate) -%}
    cast(round({{ amount }} * coalesce({{ rate }}, 1), 4) as {{ money() }})
{%- endmacro %}

{% macro money() %}decimal(24, 4){% endmacro %}

{# Joins the rate in force on a date: the latest on or before it. #}
{% macro join_rate(currency, date, alias='rates') -%}
    left join {{ ref('int_fx__rates') }} as {{ alias }}
        on {{ currency }} = {{ alias }}.from_currency
        and {{ date }} >= {{ alias }}.valid_from
        and {{ date }} < {{ alias }}.valid_to
{%- endmacro %}

{# A key that its dimension knows, else 'unknown'. #}
{% macro known(key) -%}
    coalesce({{ key }}, 'unknown')
{%- endmacro %}

{# A day after every other: the open end of an interval. #}
{% macro end_of_time() %}cast('9999-12-31' as date){% endmacro %}
