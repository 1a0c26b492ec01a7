-- customers are accounts, unless they are an account of another file or system
with

customers as (
    {{ source_rows('stripe', 'customer') }}
),

links as (
    select account_id, linked_account_id from {{ ref('account_links') }}
)

select
    customers._file_id,
    customers._line,
    1 as _part,
    case
        when customers.id is null then null
        when {{ is_false('customers.livemode') }} then 'test'
        when {{ is_set('customers.is_deleted') }} then 'deleted'
        when links.linked_account_id is not null then 'same_account_elsewhere'
    end as _left_out,
    {{ system_key('stripe', 'customers.id') }} as account_id,
    coalesce(customers.name, customers.email, customers.id) as account_name,
    {{ json_member('customers.metadata', "'segment'") }} as segment,
    {{ json_member('customers.metadata', "'industry'") }} as industry,
    coalesce({{ json_member('customers.metadata', "'region'") }}, customers.address_country) as region,
    {{ instant('customers.created') }} as created_at,
    {{ instant('customers.synced_at') }} as updated_at
from customers
left join links on {{ system_key('stripe', 'customers.id') }} = links.account_id
