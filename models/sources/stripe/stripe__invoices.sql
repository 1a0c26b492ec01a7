-- each invoice as it is now: whether it is an order, and what it comes to, in minor units
with

invoices as (
    {{ current_rows('stripe', 'invoice') }}
),

lines as (
    {{ current_rows('stripe', 'invoice_line_item') }}
),

currencies as (
    select currency, minor_unit_digits from {{ ref('stripe__currencies') }}
),

line_sums as (
    select
        invoice_id,
        cast(sum({{ minor_units('amount') }}) as bigint) as lines_total,
        cast(sum(case when {{ minor_units('amount') }} > 0 then {{ minor_units('amount') }} else 0 end) as bigint)
            as positive
    from lines
    where invoice_id is not null and not {{ is_set('is_deleted') }}
    group by invoice_id
),

billed as (
    select
        invoices._file_id,
        invoices._line,
        invoices.id as invoice_id,
        {{ id_in('invoices.charge_id') }} as charge_id,
        {{ id_in('invoices.payment_intent_id') }} as payment_intent_id,
        {{ id_in('invoices.subscription_id') }} as subscription_id,
        {{ invoice_left_out('invoices') }} as left_out,
        upper(invoices.currency) as currency,
        cast(coalesce(currencies.minor_unit_digits, 2) as integer) as minor_unit_digits,
        coalesce(line_sums.positive, 0) as positive,
        coalesce({{ minor_units('invoices.total') }}, line_sums.lines_total) as total,
        coalesce({{ minor_units('invoices.tax') }}, 0) as tax,
        invoices.created
    from invoices
    left join line_sums on invoices.id = line_sums.invoice_id
    left join currencies on upper(invoices.currency) = currencies.currency
    where invoices.id is not null
)

select
    _file_id,
    _line,
    invoice_id,
    charge_id,
    payment_intent_id,
    subscription_id,
    left_out,
    currency,
    minor_unit_digits,
    total,
    tax,
    -- what it bills beyond its lines, as where no lines are copied
    cast(case when total - tax > positive then total - tax - positive else 0 end as bigint) as beyond_lines,
    -- what it gives back beyond them
    cast(case when total - tax < 0 then tax - total else 0 end as bigint) as credit,
    created
from billed
