-- each charge or exported payment as it is now: which order it belongs to, and what of it was given back
with

charges as (
    {{ current_rows('stripe', 'charge') }}
),

payments as (
    {{ current_rows('stripe', 'payments') }}
),

refunds as (
    {{ current_rows('stripe', 'refund') }}
),

invoice_payments as (
    {{ current_rows('stripe', 'invoice_payment') }}
),

invoices as (
    select invoice_id, charge_id, payment_intent_id, left_out, total, tax from {{ ref('stripe__invoices') }}
),

currencies as (
    select currency, minor_unit_digits from {{ ref('stripe__currencies') }}
),

-- what says which invoice is paid by what: invoices, and in newer versions of Stripe the payments of invoices
said as (
    select invoice_id, charge_id, payment_intent_id from invoices
    union all
    select
        {{ id_in('invoice_id') }} as invoice_id,
        coalesce({{ id_in('charge_id') }}, {{ json_member('payment', "'charge'") }}) as charge_id,
        coalesce({{ id_in('payment_intent_id') }}, {{ json_member('payment', "'payment_intent'") }})
            as payment_intent_id
    from invoice_payments
),

-- two invoices never have one charge; if they say so, the first counts
invoices_of_charges as (
    select charge_id, min(invoice_id) as invoice_id from said
    where charge_id is not null
    group by charge_id
),

invoices_of_intents as (
    select payment_intent_id, min(invoice_id) as invoice_id from said
    where payment_intent_id is not null
    group by payment_intent_id
),

known_charges as (
    select id from charges
    where id is not null
),

-- exports are in major units: brought to the minor one
both_kinds as (
    select
        charges._file_id,
        charges._line,
        'charge' as object_name,
        charges.id,
        coalesce(
            {{ id_in('charges.invoice_id') }}, invoices_of_charges.invoice_id, invoices_of_intents.invoice_id
        ) as invoice_id,
        upper(charges.currency) as currency,
        {{ minor_units('charges.amount') }} as amount,
        coalesce({{ minor_units('charges.amount_refunded') }}, 0) as amount_refunded,
        {{ charge_state('charges.status', 'charges.paid', 'charges.captured') }} as state,
        {{ is_false('charges.livemode') }} as is_test,
        cast(coalesce(currencies.minor_unit_digits, 2) as integer) as minor_unit_digits
    from charges
    left join invoices_of_charges on charges.id = invoices_of_charges.charge_id
    left join invoices_of_intents on {{ id_in('charges.payment_intent_id') }} = invoices_of_intents.payment_intent_id
    left join currencies on upper(charges.currency) = currencies.currency
    where charges.id is not null
    union all
    select
        payments._file_id,
        payments._line,
        'payments' as object_name,
        payments.id,
        coalesce(payments.invoice_id, invoices_of_charges.invoice_id) as invoice_id,
        upper(payments.currency) as currency,
        {{ minor_from_major(exported_amount('payments.amount'), 'currencies.minor_unit_digits') }} as amount,
        coalesce(
            {{ minor_from_major(exported_amount('payments.amount_refunded'), 'currencies.minor_unit_digits') }}, 0
        ) as amount_refunded,
        {{ charge_state('payments.status', "'true'", 'payments.captured') }} as state,
        false as is_test,
        cast(coalesce(currencies.minor_unit_digits, 2) as integer) as minor_unit_digits
    from payments
    left join known_charges on payments.id = known_charges.id
    left join invoices_of_charges on payments.id = invoices_of_charges.charge_id
    left join currencies on upper(payments.currency) = currencies.currency
    where payments.id is not null and known_charges.id is null
),

refunded as (
    select
        {{ id_in('charge_id') }} as charge_id,
        cast(sum(case when {{ refund_counts('status') }} then {{ minor_units('amount') }} else 0 end) as bigint)
            as amount
    from refunds
    where charge_id is not null
    group by {{ id_in('charge_id') }}
)

select
    both_kinds._file_id,
    both_kinds._line,
    both_kinds.object_name,
    both_kinds.id as charge_id,
    -- an invoice that was not copied is no order: then the charge is one
    invoices.invoice_id,
    coalesce(invoices.invoice_id, both_kinds.id) as order_id,
    case
        when both_kinds.is_test then 'test'
        when invoices.invoice_id is not null then invoices.left_out
        when both_kinds.state = 'failed' then 'failed'
    end as order_left_out,
    both_kinds.currency,
    both_kinds.minor_unit_digits,
    both_kinds.amount,
    both_kinds.amount_refunded,
    refunded.charge_id is not null as has_refunds,
    coalesce(refunded.amount, both_kinds.amount_refunded) as refunded,
    case when invoices.invoice_id is null then both_kinds.amount else invoices.total end as order_total,
    case when invoices.invoice_id is null then 0 else invoices.tax end as order_tax
from both_kinds
left join invoices on both_kinds.invoice_id = invoices.invoice_id
left join refunded on both_kinds.id = refunded.charge_id
