-- rates into the reporting currency, each from its day until the next one's
with

rates as (
    select from_currency, rate_on, rate
    from {{ ref('stg_planning__fx_rates') }}
    where to_currency = {{ reporting_currency() }} and from_currency <> {{ reporting_currency() }}
)

select
    from_currency,
    rate_on as valid_from,
    coalesce(lead(rate_on) over (partition by from_currency order by rate_on), {{ end_of_time() }}) as valid_to,
    rate
from rates
