-- what lowers the price of a subscription, and from when until when
with

discounts as (
    {{ current_rows('stripe', 'subscription_discount') }}
),

coupons as (
    {{ current_rows('stripe', 'coupon') }}
),

currencies as (
    select currency, minor_unit_digits from {{ ref('stripe__currencies') }}
)

select
    discounts._file_id,
    discounts._line,
    {{ id_in('discounts.subscription_id') }} as subscription_id,
    {{ moment_of('discounts.start_at') }} as holds_from,
    {{ moment_of('discounts.end_at') }} as holds_until,
    cast(
        {{ cast_or_null('coupons.percent_off', 'decimal(9, 6)') }} * cast('0.01' as decimal(3, 2)) as decimal(12, 8)
    ) as share_off,
    cast(
        {{ major_units(minor_units('coupons.amount_off'), 'currencies.minor_unit_digits') }} as {{ amount_type() }}
    ) as amount_off
from discounts
inner join coupons on {{ id_in('discounts.coupon_id') }} = coupons.id
left join currencies on upper(coupons.currency) = currencies.currency
where
    not {{ is_set('discounts.is_deleted') }}
    and {{ moment_of('discounts.start_at') }} is not null
    -- what is taken off one bill is no lower price
    and coalesce(lower(coupons.duration), 'forever') <> 'once'
