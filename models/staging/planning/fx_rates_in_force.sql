-- the rate of each currency into the reporting currency, from the day it was quoted until the next one or until it is
-- older than fx_rate_max_age_days; by fx_inference also rates that are quoted the other way around, or over one more
-- currency, on days without a direct one
{% set inference = var('fx_inference') %}
{% set max_age_days = var('fx_rate_max_age_days') | int %}
with

rates as (
    select rate_on, from_currency, to_currency, rate from {{ ref('stg_planning__fx_rates') }}
),

quoted as (
    select
        from_currency,
        to_currency,
        rate_on,
        rate,
        least(
            coalesce(
                lead(rate_on) over (partition by from_currency, to_currency order by rate_on), {{ end_of_time() }}
            ),
            -- of what is still to come the age is taken on the last day of the books
            case
                when {{ days_after('rate_on', max_age_days) }} >= {{ as_of_date() }} then {{ end_of_time() }}
                else {{ days_after('rate_on', max_age_days + 1) }}
            end
        ) as valid_to
    from rates
),

{% if inference == 'direct_only' %}
in_force as (
    select from_currency, rate_on as valid_from, valid_to, rate
    from quoted
    where to_currency = {{ reporting_currency() }}
),
{% else %}
-- both ways, exact until the end; a direct rate goes before an inverse one
both_ways as (
    select
        from_currency, to_currency, rate_on as valid_from, valid_to, rate_on,
        cast(rate as {{ double_type() }}) as rate, 1 as preference, '' as via_currency
    from quoted
    union all
    select
        to_currency, from_currency, rate_on, valid_to, rate_on,
        1 / cast(rate as {{ double_type() }}), 2, ''
    from quoted
),

{{ best_in_force('both_ways', 'pairs') }}

{% if inference == 'cross' %}
-- over one currency that both have rates with, as old as the older of the two
crossed as (
    select
        first_leg.from_currency,
        second_leg.to_currency,
        greatest(first_leg.valid_from, second_leg.valid_from) as valid_from,
        least(first_leg.valid_to, second_leg.valid_to) as valid_to,
        least(first_leg.rate_on, second_leg.rate_on) as rate_on,
        first_leg.rate * second_leg.rate as rate,
        3 as preference,
        first_leg.to_currency as via_currency
    from pairs as first_leg
    inner join pairs as second_leg
        on first_leg.to_currency = second_leg.from_currency
        and first_leg.valid_from < second_leg.valid_to
        and second_leg.valid_from < first_leg.valid_to
    where second_leg.to_currency = {{ reporting_currency() }}
        and first_leg.from_currency <> {{ reporting_currency() }}
        and first_leg.to_currency <> first_leg.from_currency
        and first_leg.to_currency <> {{ reporting_currency() }}
),

pairs_and_crossed as (
    select from_currency, to_currency, valid_from, valid_to, rate_on, rate, preference, via_currency from pairs
    union all
    select from_currency, to_currency, valid_from, valid_to, rate_on, rate, preference, via_currency from crossed
),

{{ best_in_force('pairs_and_crossed', 'best') }}
{% endif %}

in_force as (
    select from_currency, valid_from, valid_to, {{ cast_or_null('rate', rate_type()) }} as rate
    from {{ 'best' if inference == 'cross' else 'pairs' }}
    where to_currency = {{ reporting_currency() }}
),
{% endif %}

-- an inverse beyond what a rate can be is none
usable as (
    select from_currency, valid_from, valid_to, rate
    from in_force
    where from_currency <> {{ reporting_currency() }} and valid_from < valid_to and rate > 0
)

select from_currency, valid_from, valid_to, rate
from usable
