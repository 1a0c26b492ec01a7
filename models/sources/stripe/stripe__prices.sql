-- what a unit costs, by price or by the older plan
with

prices as (
    {{ current_rows('stripe', 'price') }}
),

plans as (
    {{ current_rows('stripe', 'plan') }}
),

products as (
    {{ current_rows('stripe', 'product') }}
),

currencies as (
    select currency, minor_unit_digits from {{ ref('stripe__currencies') }}
),

both_kinds as (
    select
        id,
        {{ id_in('product_id') }} as product_id,
        nickname,
        currency,
        coalesce(unit_amount_decimal, unit_amount) as unit_amount,
        coalesce(recurring_interval, {{ json_member('recurring', "'interval'") }}) as billing_interval,
        coalesce(recurring_interval_count, {{ json_member('recurring', "'interval_count'") }}) as interval_count,
        coalesce(recurring_usage_type, {{ json_member('recurring', "'usage_type'") }}) as usage_type,
        billing_scheme,
        tiers_mode,
        coalesce(type, '') = 'one_time' as is_one_time,
        1 as precedence
    from prices
    where id is not null
    union all
    select
        id,
        {{ id_in('product_id') }} as product_id,
        nickname,
        currency,
        coalesce(amount_decimal, amount) as unit_amount,
        billing_interval,
        interval_count,
        usage_type,
        billing_scheme,
        tiers_mode,
        false as is_one_time,
        2 as precedence
    from plans
    where id is not null
),

-- a plan has a price of the same id where both are copied
ranked as (
    select
        id, product_id, nickname, currency, unit_amount, billing_interval, interval_count, usage_type,
        billing_scheme, tiers_mode, is_one_time,
        row_number() over (partition by id order by precedence) as price_rank
    from both_kinds
)

select
    ranked.id as price_id,
    ranked.product_id,
    coalesce(ranked.nickname, products.name, ranked.product_id, ranked.id) as plan,
    upper(ranked.currency) as currency,
    -- per unit, in the major unit: prices may have fractions of a minor one
    cast(
        {{ cast_or_null('ranked.unit_amount', 'decimal(20, 8)') }} * {{ minor_unit('currencies.minor_unit_digits') }}
        as {{ amount_type() }}
    ) as unit_amount,
    ranked.billing_interval,
    cast(coalesce({{ cast_or_null('ranked.interval_count', 'decimal(9, 0)') }}, 1) as integer) as interval_count,
    -- metered and tiered prices have no fixed amount
    coalesce(ranked.usage_type, 'licensed') = 'licensed'
    and coalesce(ranked.billing_scheme, 'per_unit') = 'per_unit'
    and ranked.tiers_mode is null as is_fixed,
    ranked.is_one_time
from ranked
left join products on ranked.product_id = products.id
left join currencies on upper(ranked.currency) = currencies.currency
where ranked.price_rank = 1
