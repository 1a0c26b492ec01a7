-- invoices are orders; so are charges and exported payments that no invoice billed
with

invoices as (
    {{ source_rows('stripe', 'invoice') }}
),

charges as (
    {{ source_rows('stripe', 'charge') }}
),

payments as (
    {{ source_rows('stripe', 'payments') }}
),

invoice_states as (
    select invoice_id, total from {{ ref('stripe__invoices') }}
),

charge_states as (
    select charge_id, object_name, invoice_id, order_id, order_left_out, amount, refunded
    from {{ ref('stripe__charges') }}
),

subscriptions as (
    select subscription_id, metadata from {{ ref('stripe__subscription_versions') }}
    where is_newest
),

links as (
    select account_id, linked_account_id from {{ ref('account_links') }}
),

account_emails as (
    select email, account_id from {{ ref('account_emails') }}
),

rep_emails as (
    select email, rep_id from {{ ref('rep_emails') }}
),

refunded as (
    select invoice_id, sum(refunded) as refunded from charge_states
    where invoice_id is not null
    group by invoice_id
),

orders as (
    select
        invoices._file_id,
        invoices._line,
        {{ invoice_left_out('invoices') }} as _left_out,
        invoices.id,
        {{ id_in('invoices.customer_id') }} as customer_id,
        cast(null as {{ text_type() }}) as customer_email,
        {{ id_in('invoices.subscription_id') }} as subscription_id,
        -- what a subscription's metadata say holds for its bills
        coalesce(
            {{ json_member('invoices.metadata', "'deal_id'") }},
            {{ json_member('subscriptions.metadata', "'deal_id'") }}
        ) as deal_id,
        coalesce(
            {{ json_member('invoices.metadata', "'hubspot_deal_id'") }},
            {{ json_member('subscriptions.metadata', "'hubspot_deal_id'") }}
        ) as hubspot_deal_id,
        lower(coalesce(
            {{ json_member('invoices.metadata', "'sales_rep_email'") }},
            {{ json_member('subscriptions.metadata', "'sales_rep_email'") }}
        )) as rep_email,
        {{ instant('invoices.created') }} as ordered_at,
        case {{ invoice_state('invoices') }}
            when 'paid'
                then
                    case
                        when invoice_states.total > 0 and refunded.refunded >= invoice_states.total then 'refunded'
                        else 'paid'
                    end
            when 'open' then 'pending'
            when 'uncollectible' then 'canceled'
            when 'void' then 'canceled'
            else {{ invoice_state('invoices') }}
        end as status,
        invoices.currency,
        {{ instant('invoices.synced_at') }} as updated_at
    from invoices
    left join invoice_states on invoices.id = invoice_states.invoice_id
    left join refunded on invoices.id = refunded.invoice_id
    left join subscriptions on {{ id_in('invoices.subscription_id') }} = subscriptions.subscription_id
    union all
    select
        charges._file_id,
        charges._line,
        case
            when charges.id is null then null
            when {{ is_false('charges.livemode') }} then 'test'
            when charge_states.invoice_id is not null then 'billed_by_invoice'
            when {{ charge_state('charges.status', 'charges.paid', 'charges.captured') }} = 'failed' then 'failed'
        end as _left_out,
        charges.id,
        {{ id_in('charges.customer_id') }} as customer_id,
        cast(null as {{ text_type() }}) as customer_email,
        cast(null as {{ text_type() }}) as subscription_id,
        {{ json_member('charges.metadata', "'deal_id'") }} as deal_id,
        {{ json_member('charges.metadata', "'hubspot_deal_id'") }} as hubspot_deal_id,
        lower({{ json_member('charges.metadata', "'sales_rep_email'") }}) as rep_email,
        {{ instant('charges.created') }} as ordered_at,
        {{ charged_order_status(charge_state('charges.status', 'charges.paid', 'charges.captured')) }} as status,
        charges.currency,
        {{ instant('charges.synced_at') }} as updated_at
    from charges
    left join charge_states on charges.id = charge_states.charge_id
    union all
    select
        payments._file_id,
        payments._line,
        case
            when payments.id is null then null
            when charge_states.object_name = 'charge' then 'replicated'
            when charge_states.invoice_id is not null then 'billed_by_invoice'
            when {{ charge_state('payments.status', "'true'", 'payments.captured') }} = 'failed' then 'failed'
        end as _left_out,
        -- under a key of its own where the charge itself is copied
        case when charge_states.object_name = 'charge' then payments.id || '/payment' else payments.id end as id,
        payments.customer_id,
        lower(payments.customer_email) as customer_email,
        cast(null as {{ text_type() }}) as subscription_id,
        cast(null as {{ text_type() }}) as deal_id,
        cast(null as {{ text_type() }}) as hubspot_deal_id,
        cast(null as {{ text_type() }}) as rep_email,
        {{ payment_instant('payments') }} as ordered_at,
        {{ charged_order_status(charge_state('payments.status', "'true'", 'payments.captured')) }} as status,
        payments.currency,
        cast(null as {{ text_type() }}) as updated_at
    from payments
    left join charge_states on payments.id = charge_states.charge_id
)

select
    orders._file_id,
    orders._line,
    1 as _part,
    orders._left_out,
    {{ system_key('stripe', 'orders.id') }} as order_id,
    coalesce({{ account_of_customer('orders.customer_id') }}, account_emails.account_id) as account_id,
    {% if 'hubspot' in (var('enabled_sources') or []) -%}
    coalesce({{ system_key('hubspot', 'orders.hubspot_deal_id') }}, orders.deal_id) as deal_id,
    {%- else -%}
    -- a deal of HubSpot is none where nothing of HubSpot landed, unless no other is named
    coalesce(orders.deal_id, {{ system_key('hubspot', 'orders.hubspot_deal_id') }}) as deal_id,
    {%- endif %}
    coalesce(rep_emails.rep_id, orders.rep_email) as rep_id,
    {{ system_key('stripe', 'orders.subscription_id') }} as subscription_id,
    orders.ordered_at,
    orders.status,
    upper(orders.currency) as currency,
    orders.updated_at
from orders
left join links on {{ system_key('stripe', 'orders.customer_id') }} = links.account_id
left join account_emails on orders.customer_email = account_emails.email
left join rep_emails on orders.rep_email = rep_emails.email
