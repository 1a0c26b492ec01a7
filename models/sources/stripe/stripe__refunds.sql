-- money given back on orders: refunds, credit notes, credits beyond the lines of an invoice, and what charges and
-- exported payments say was refunded where no refund is copied
with

refunds as (
    {{ source_rows('stripe', 'refund') }}
),

credit_notes as (
    {{ source_rows('stripe', 'credit_note') }}
),

current_refunds as (
    {{ current_rows('stripe', 'refund') }}
),

charges as (
    {{ current_rows('stripe', 'charge') }}
),

payments as (
    {{ current_rows('stripe', 'payments') }}
),

charge_states as (
    select
        _file_id, _line, charge_id, object_name, order_id, order_left_out, minor_unit_digits, amount_refunded,
        has_refunds, order_total, order_tax
    from {{ ref('stripe__charges') }}
),

invoices as (
    select
        _file_id, _line, invoice_id, left_out, minor_unit_digits, total, tax, credit, created
    from {{ ref('stripe__invoices') }}
),

refund_rows as (
    select
        refunds._file_id,
        refunds._line,
        case
            when refunds.id is null then null
            when charge_states.order_left_out is not null then charge_states.order_left_out
            when not {{ refund_counts('refunds.status') }} then 'failed'
        end as _left_out,
        refunds.id as refund_name,
        coalesce(charge_states.order_id, {{ id_in('refunds.charge_id') }}) as order_name,
        refunds.amount as amount_text,
        {{ minor_units('refunds.amount') }} as amount,
        charge_states.order_total,
        charge_states.order_tax,
        charge_states.minor_unit_digits,
        {{ instant('refunds.created') }} as refunded_at,
        {{ instant('refunds.synced_at') }} as updated_at
    from refunds
    left join charge_states on {{ id_in('refunds.charge_id') }} = charge_states.charge_id
),

-- what a refund paid out is that refund: the credit note names it, or one of its invoice has its amount
refunds_of_invoices as (
    select
        charge_states.order_id,
        {{ minor_units('current_refunds.amount') }} as amount
    from current_refunds
    inner join charge_states on {{ id_in('current_refunds.charge_id') }} = charge_states.charge_id
    where {{ refund_counts('current_refunds.status') }}
    group by charge_states.order_id, {{ minor_units('current_refunds.amount') }}
),

credit_note_rows as (
    select
        credit_notes._file_id,
        credit_notes._line,
        case
            when credit_notes.id is null then null
            when {{ is_false('credit_notes.livemode') }} then 'test'
            when invoices.left_out is not null then invoices.left_out
            when lower(credit_notes.status) = 'void' then 'void'
            when credit_notes.refund_id is not null or refunds_of_invoices.order_id is not null then 'refunded'
        end as _left_out,
        credit_notes.id as refund_name,
        {{ id_in('credit_notes.invoice_id') }} as order_name,
        credit_notes.amount as amount_text,
        {{ minor_units('credit_notes.amount') }} as amount,
        invoices.total as order_total,
        invoices.tax as order_tax,
        invoices.minor_unit_digits,
        {{ instant('credit_notes.created') }} as refunded_at,
        {{ instant('credit_notes.synced_at') }} as updated_at
    from credit_notes
    left join invoices on {{ id_in('credit_notes.invoice_id') }} = invoices.invoice_id
    left join refunds_of_invoices
        on {{ id_in('credit_notes.invoice_id') }} = refunds_of_invoices.order_id
        and {{ minor_units('credit_notes.amount') }} = refunds_of_invoices.amount
),

-- an invoice that comes to less than nothing gives back; what it says is without tax
credit_rows as (
    select
        _file_id,
        _line,
        left_out as _left_out,
        invoice_id || '/credit' as refund_name,
        invoice_id as order_name,
        cast(credit as {{ text_type() }}) as amount_text,
        credit as amount,
        total as order_total,
        0 as order_tax,
        minor_unit_digits,
        {{ instant('created') }} as refunded_at,
        cast(null as {{ text_type() }}) as updated_at
    from invoices
    where credit > 0
),

-- undated: they count on the day of the payment
undated_rows as (
    select
        charge_states._file_id,
        charge_states._line,
        charge_states.order_left_out as _left_out,
        charge_states.charge_id || '/refunded' as refund_name,
        charge_states.order_id as order_name,
        cast(charge_states.amount_refunded as {{ text_type() }}) as amount_text,
        charge_states.amount_refunded as amount,
        charge_states.order_total,
        charge_states.order_tax,
        charge_states.minor_unit_digits,
        coalesce({{ instant('charges.created') }}, {{ payment_instant('payments') }}) as refunded_at,
        cast(null as {{ text_type() }}) as updated_at
    from charge_states
    left join charges on charge_states._file_id = charges._file_id and charge_states._line = charges._line
    left join payments on charge_states._file_id = payments._file_id and charge_states._line = payments._line
    where charge_states.amount_refunded > 0 and not charge_states.has_refunds
),

all_rows as (
    select
        _file_id, _line, _left_out, refund_name, order_name, amount_text, amount, order_total, order_tax,
        minor_unit_digits, refunded_at, updated_at
    from refund_rows
    union all
    select
        _file_id, _line, _left_out, refund_name, order_name, amount_text, amount, order_total, order_tax,
        minor_unit_digits, refunded_at, updated_at
    from credit_note_rows
    union all
    select
        _file_id, _line, _left_out, refund_name, order_name, amount_text, amount, order_total, order_tax,
        minor_unit_digits, refunded_at, updated_at
    from credit_rows
    union all
    select
        _file_id, _line, _left_out, refund_name, order_name, amount_text, amount, order_total, order_tax,
        minor_unit_digits, refunded_at, updated_at
    from undated_rows
)

select
    _file_id,
    _line,
    1 as _part,
    _left_out,
    {{ system_key('stripe', 'refund_name') }} as refund_id,
    {{ system_key('stripe', 'order_name') }} as order_id,
    {{ if_whole('amount_text', 'cast(' ~ major_units('amount', 'minor_unit_digits') ~ ' as ' ~ text_type() ~ ')') }}
        as amount,
    -- the share of tax in what was paid
    case
        when order_tax > 0
            then
                cast(
                    {{ major_units(whole_share('amount', 'order_tax', 'order_total'), 'minor_unit_digits') }}
                    as {{ text_type() }}
                )
    end as tax_amount,
    refunded_at,
    updated_at
from all_rows
