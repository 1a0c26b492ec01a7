-- how many digits Stripe's minor unit of a currency has: as in ISO 4217, with three exceptions
with

currencies as (
    select currency, minor_unit_digits from {{ ref('currencies') }}
)

select
    currency,
    cast(
        case currency
            -- whole by now, yet still sent with two digits
            when 'ISK' then 2
            when 'UGX' then 2
            -- a fifth is no decimal digit: whole
            when 'MGA' then 0
            else minor_unit_digits
        end as integer
    ) as minor_unit_digits
from currencies
