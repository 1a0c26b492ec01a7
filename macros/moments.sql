{#
    Moments: a timestamp column, and beside it whether it is a day alone (<column>_is_day; its timestamp is then the
    start of that day in the business's time zone). Between a day and an instant, or two days, only local dates are
    compared: a deal won on the day it was created was not closed before, and nobody answered in negative time.
#}

{# Whether one of two moments is a day alone. #}
{% macro holds_a_day(first, second) -%}
    ({{ first }}_is_day or {{ second }}_is_day)
{%- endmacro %}

{# Seconds from one moment to another, as a double. #}
{% macro seconds_from(earlier, later) -%}
    case
        when {{ holds_a_day(earlier, later) }}
            then cast({{ days_between(local_date(earlier), local_date(later)) }} as {{ double_type() }}) * 86400
        else {{ seconds_between(earlier, later) }}
    end
{%- endmacro %}

{# Whether one moment is not before another. #}
{% macro is_not_before(later, earlier) -%}
    case
        when {{ holds_a_day(earlier, later) }} then {{ local_date(later) }} >= {{ local_date(earlier) }}
        else {{ later }} >= {{ earlier }}
    end
{%- endmacro %}

{#
    The first moment of each member: the body of a CTE. `moments` is a CTE with the columns `of`, `at` and `at`_is_day;
    of a day and an instant at its start the instant is taken, since it says more.
#}
{% macro first_moments(moments, of, at) %}
    select {{ of }}, {{ at }}, {{ at }}_is_day
    from (
        select
            {{ of }}, {{ at }}, {{ at }}_is_day,
            row_number() over (partition by {{ of }} order by {{ at }}, {{ at }}_is_day) as moment_number
        from (
            select {{ of }}, {{ at }}, {{ at }}_is_day from {{ moments }}
            group by {{ of }}, {{ at }}, {{ at }}_is_day
        ) as different_moments
    ) as ordered_moments
    where moment_number = 1
{% endmacro %}
