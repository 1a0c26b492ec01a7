-- products; what they cost Stripe does not know
with

products as (
    {{ source_rows('stripe', 'product') }}
)

select
    _file_id,
    _line,
    1 as _part,
    case
        when id is null then null
        when {{ is_false('livemode') }} then 'test'
        when {{ is_set('is_deleted') }} then 'deleted'
    end as _left_out,
    {{ system_key('stripe', 'id') }} as product_id,
    coalesce(name, id) as product_name,
    {{ json_member('metadata', "'category'") }} as category,
    {{ instant('synced_at') }} as updated_at
from products
