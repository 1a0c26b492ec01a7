{#
    Of rates that hold in intervals which overlap, the best one on every day: direct before inverse before crossed, then
    the freshest, then by the name of the currency that it goes over. CTEs, the last called `name`, each with a comma
    behind it; `rates` has the columns of both_ways in fx_rates_in_force.
#}
{% macro best_in_force(rates, name) -%}
{{ name }}_bounds as (
    select from_currency, to_currency, valid_from as bound_on from {{ rates }}
    union all
    select from_currency, to_currency, valid_to from {{ rates }}
),

{{ name }}_starts as (
    select from_currency, to_currency, bound_on from {{ name }}_bounds group by from_currency, to_currency, bound_on
),

{{ name }}_spans as (
    select
        from_currency, to_currency, bound_on as valid_from,
        lead(bound_on) over (partition by from_currency, to_currency order by bound_on) as valid_to
    from {{ name }}_starts
),

{{ name }}_choices as (
    select
        spans.from_currency, spans.to_currency, spans.valid_from, spans.valid_to,
        rates.rate_on, rates.rate, rates.preference, rates.via_currency
    from {{ name }}_spans as spans
    inner join {{ rates }} as rates
        on spans.from_currency = rates.from_currency
        and spans.to_currency = rates.to_currency
        and spans.valid_from >= rates.valid_from
        and spans.valid_from < rates.valid_to
    group by
        spans.from_currency, spans.to_currency, spans.valid_from, spans.valid_to,
        rates.rate_on, rates.rate, rates.preference, rates.via_currency
),

{{ name }}_ranked as (
    select
        from_currency, to_currency, valid_from, valid_to, rate_on, rate, preference, via_currency,
        row_number() over (
            partition by from_currency, to_currency, valid_from, valid_to
            order by preference, rate_on desc, via_currency, rate
        ) as place
    from {{ name }}_choices
),

{{ name }} as (
    select from_currency, to_currency, valid_from, valid_to, rate_on, rate, preference, via_currency
    from {{ name }}_ranked
    where place = 1
),
{%- endmacro %}
