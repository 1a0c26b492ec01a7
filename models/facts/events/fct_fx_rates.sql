-- the rates as they landed, between any two currencies: an input that a closed month keeps
select
    rate_on,
    from_currency,
    to_currency,
    rate
from {{ ref('stg_planning__fx_rates') }}
