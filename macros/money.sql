{#
    The arithmetic of money, with types that every engine computes exactly: 38 digits in all, and never a scale that an
    engine cuts by itself. What is landed beyond these ranges is quarantined (min and max in models/staging/_sources.yml).

    amount_type    a price or amount in its own currency: 15 digits, 6 decimals (landed: at most 10^13; a line: below 10^14)
    quantity_type  10 digits, 6 decimals (landed: at most 10^9)
    rate_type      6 digits, 10 decimals
    money          the reporting currency: 24 digits, 4 decimals, rounded half away from zero; a sum of 10^9 amounts, too
#}
{% macro amount_type() %}decimal(21, 6){% endmacro %}
{% macro quantity_type() %}decimal(16, 6){% endmacro %}
{% macro rate_type() %}decimal(16, 10){% endmacro %}
{% macro money() %}decimal(28, 4){% endmacro %}

{# A day's share of an amount: ten decimals, so that the days of a month add up to it to the fourth. #}
{% macro daily_share_type() %}decimal(38, 10){% endmacro %}

{# Quantity x price, exact to 12 decimals: decimal(38, 12) at most on every engine. #}
{% macro money_product(quantity, price) -%}
    cast({{ quantity }} as {{ quantity_type() }}) * cast({{ price }} as {{ amount_type() }})
{%- endmacro %}

{# Whether a line comes to more than an amount can hold, though quantity and price alone do not: 10^14, either way. #}
{% macro beyond_a_line(quantity, price) -%}
    abs({{ money_product(quantity, price) }}) >= 100000000000000
{%- endmacro %}

{# Money in the reporting currency: amount x rate, rounded once. `rate` is NULL for the reporting currency itself (rows
   without any rate never get here: staging sets them aside). #}
{% macro converted(amount, rate) -%}
    cast(round(
        cast({{ amount }} as {{ amount_type() }}) * coalesce({{ rate }}, cast(1 as {{ rate_type() }})), 4
    ) as {{ money() }})
{%- endmacro %}

{# The same of an amount that is a quotient, a double: exact to 15 digits. #}
{% macro converted_quotient(amount, rate) -%}
    cast(round({{ amount }} * coalesce(cast({{ rate }} as {{ double_type() }}), 1), 4) as {{ money() }})
{%- endmacro %}

{# A sum of money; NULL over no rows. #}
{% macro money_sum(expression) -%}
    cast(sum({{ expression }}) as {{ money() }})
{%- endmacro %}

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

{# A day before every other: from when on the oldest version of anything holds. #}
{% macro start_of_time() %}cast('0001-01-01' as date){% endmacro %}
