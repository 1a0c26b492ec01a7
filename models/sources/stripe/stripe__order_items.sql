-- lines of invoices are items of orders; a charge or payment that no invoice billed is an order of one line
with

lines as (
    {{ source_rows('stripe', 'invoice_line_item') }}
),

charges as (
    {{ source_rows('stripe', 'charge') }}
),

payments as (
    {{ source_rows('stripe', 'payments') }}
),

line_shares as (
    select _file_id, _line, amount, reduction, tax, unread from {{ ref('stripe__invoice_lines') }}
),

invoices as (
    select
        _file_id, _line, invoice_id, left_out, currency, minor_unit_digits, beyond_lines, total, tax
    from {{ ref('stripe__invoices') }}
),

charge_states as (
    select charge_id, object_name, invoice_id, minor_unit_digits from {{ ref('stripe__charges') }}
),

prices as (
    select price_id, product_id from {{ ref('stripe__prices') }}
),

currencies as (
    select currency, minor_unit_digits from {{ ref('stripe__currencies') }}
),

-- money in the major unit; a line's price of a unit is rounded up, and what that is too much is discount
line_amounts as (
    select
        lines._file_id,
        lines._line,
        lines.invoice_id,
        lines.invoice_id || '/' || coalesce(lines.unique_id, lines.id) as item_name,
        {{ id_in('coalesce(lines.price_id, lines.plan_id)') }} as price_id,
        {{ is_set('lines.is_deleted') }} as is_deleted,
        lines.amount as amount_text,
        lines.quantity as quantity_text,
        coalesce({{ minor_units('lines.amount') }}, 0) as minor_amount,
        coalesce(line_shares.reduction, 0) as minor_reduction,
        coalesce(line_shares.tax, 0) as minor_tax,
        line_shares.unread,
        case
            when {{ cast_or_null('lines.quantity', quantity_type()) }} > 0
                then {{ cast_or_null('lines.quantity', quantity_type()) }}
            else 1
        end as quantity,
        coalesce(invoices.minor_unit_digits, currencies.minor_unit_digits, 2) as minor_unit_digits,
        invoices.left_out,
        lines.synced_at
    from lines
    left join line_shares on lines._file_id = line_shares._file_id and lines._line = line_shares._line
    left join invoices on lines.invoice_id = invoices.invoice_id
    left join currencies on upper(lines.currency) = currencies.currency
),

line_prices as (
    select
        _file_id, _line, invoice_id, item_name, price_id, is_deleted, amount_text, quantity_text, minor_amount,
        quantity, left_out, unread, synced_at,
        {{ major_units('(minor_amount - minor_reduction)', 'minor_unit_digits') }} as net_amount,
        {{ major_units('minor_tax', 'minor_unit_digits') }} as tax_amount,
        cast(round(
            -floor(-round(
                cast({{ major_units('minor_amount', 'minor_unit_digits') }} as {{ double_type() }}) * 1000000
                / cast(quantity as {{ double_type() }}),
                3
            )) / 1000000,
            6
        ) as {{ amount_type() }}) as unit_price
    from line_amounts
),

line_items as (
    select
        line_prices._file_id,
        line_prices._line,
        case
            when line_prices.item_name is null then null
            when line_prices.is_deleted then 'deleted'
            when line_prices.left_out is not null then line_prices.left_out
            -- its amount lowers the other lines of its invoice
            when line_prices.minor_amount < 0 then 'credit'
        end as _left_out,
        line_prices.item_name,
        line_prices.invoice_id as order_name,
        coalesce(prices.product_id, line_prices.price_id) as product_name,
        case
            when
                line_prices.quantity_text is null
                or {{ cast_or_null('line_prices.quantity_text', quantity_type()) }} <= 0
                then '1'
            else line_prices.quantity_text
        end as quantity,
        {{ if_whole('line_prices.amount_text', 'cast(line_prices.unit_price as ' ~ text_type() ~ ')') }} as unit_price,
        -- what lowers the line is not known where its invoice's total is not
        case
            when line_prices.unread is not null then line_prices.unread || ' minor units'
            else
                cast(cast(greatest(
                    {{ money_product('line_prices.quantity', 'line_prices.unit_price') }} - line_prices.net_amount, 0
                ) as {{ amount_type() }}) as {{ text_type() }})
        end as discount_amount,
        cast(line_prices.tax_amount as {{ text_type() }}) as tax_amount,
        {{ instant('line_prices.synced_at') }} as updated_at
    from line_prices
    left join prices on line_prices.price_id = prices.price_id
),

-- an invoice of more than its lines, as where no lines are copied
rest_items as (
    select
        _file_id,
        _line,
        left_out as _left_out,
        invoice_id || '/rest' as item_name,
        invoice_id as order_name,
        cast(null as {{ text_type() }}) as product_name,
        '1' as quantity,
        cast({{ major_units('beyond_lines', 'minor_unit_digits') }} as {{ text_type() }}) as unit_price,
        cast(null as {{ text_type() }}) as discount_amount,
        -- of an invoice without lines all of its tax
        case
            when beyond_lines + tax = total
                then cast({{ major_units('tax', 'minor_unit_digits') }} as {{ text_type() }})
        end as tax_amount,
        cast(null as {{ text_type() }}) as updated_at
    from invoices
    where beyond_lines > 0
),

charge_items as (
    select
        charges._file_id,
        charges._line,
        case
            when charges.id is null then null
            when {{ is_false('charges.livemode') }} then 'test'
            when charge_states.invoice_id is not null then 'billed_by_invoice'
            when {{ charge_state('charges.status', 'charges.paid', 'charges.captured') }} = 'failed' then 'failed'
        end as _left_out,
        charges.id as item_name,
        charges.id as order_name,
        {{ json_member('charges.metadata', "'product_id'") }} as product_name,
        '1' as quantity,
        {{ if_whole(
            'charges.amount',
            'cast(' ~ major_units(minor_units('charges.amount'), 'charge_states.minor_unit_digits')
            ~ ' as ' ~ text_type() ~ ')'
        ) }} as unit_price,
        cast(null as {{ text_type() }}) as discount_amount,
        cast(null as {{ text_type() }}) as tax_amount,
        {{ instant('charges.synced_at') }} as updated_at
    from charges
    left join charge_states on charges.id = charge_states.charge_id
),

payment_items as (
    select
        payments._file_id,
        payments._line,
        case
            when payments.id is null then null
            when charge_states.object_name = 'charge' then 'replicated'
            when charge_states.invoice_id is not null then 'billed_by_invoice'
            when {{ charge_state('payments.status', "'true'", 'payments.captured') }} = 'failed' then 'failed'
        end as _left_out,
        case when charge_states.object_name = 'charge' then payments.id || '/payment' else payments.id end as item_name,
        payments.id as order_name,
        cast(null as {{ text_type() }}) as product_name,
        '1' as quantity,
        {{ exported_amount('payments.amount') }} as unit_price,
        cast(null as {{ text_type() }}) as discount_amount,
        cast(null as {{ text_type() }}) as tax_amount,
        cast(null as {{ text_type() }}) as updated_at
    from payments
    left join charge_states on payments.id = charge_states.charge_id
),

items as (
    select
        _file_id, _line, _left_out, item_name, order_name, product_name, quantity, unit_price, discount_amount,
        tax_amount, updated_at
    from line_items
    union all
    select
        _file_id, _line, _left_out, item_name, order_name, product_name, quantity, unit_price, discount_amount,
        tax_amount, updated_at
    from rest_items
    union all
    select
        _file_id, _line, _left_out, item_name, order_name, product_name, quantity, unit_price, discount_amount,
        tax_amount, updated_at
    from charge_items
    union all
    select
        _file_id, _line, _left_out, item_name, order_name, product_name, quantity, unit_price, discount_amount,
        tax_amount, updated_at
    from payment_items
)

select
    _file_id,
    _line,
    1 as _part,
    _left_out,
    {{ system_key('stripe', 'item_name') }} as order_item_id,
    {{ system_key('stripe', 'order_name') }} as order_id,
    {{ system_key('stripe', "coalesce(product_name, 'no product')") }} as product_id,
    quantity,
    unit_price,
    discount_amount,
    tax_amount,
    updated_at
from items
