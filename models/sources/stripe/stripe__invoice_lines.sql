-- the current line of each invoice with what of its invoice's reductions and tax falls on it
with

lines as (
    {{ current_rows('stripe', 'invoice_line_item') }}
),

invoices as (
    {{ current_rows('stripe', 'invoice') }}
),

-- what is deleted bills nothing
amounts as (
    select
        _file_id,
        _line,
        invoice_id,
        {{ minor_units('amount') }} as amount
    from lines
    where invoice_id is not null and not {{ is_set('is_deleted') }}
),

sums as (
    select
        invoice_id,
        cast(sum(case when amount > 0 then amount else 0 end) as bigint) as positive,
        cast(sum(amount) as bigint) as lines_total
    from amounts
    group by invoice_id
),

-- what the invoice is for, without tax; without a total: its lines
billed as (
    select
        sums.invoice_id,
        sums.positive,
        coalesce({{ minor_units('invoices.tax') }}, 0) as tax,
        -- a total or tax that is filled but cannot be read
        case
            when {{ minor_units('invoices.total') }} is null and invoices.total is not null then invoices.total
            when {{ minor_units('invoices.tax') }} is null then invoices.tax
        end as unread,
        coalesce(
            {{ minor_units('invoices.total') }} - coalesce({{ minor_units('invoices.tax') }}, 0), sums.lines_total
        ) as net
    from sums
    left join invoices on sums.invoice_id = invoices.id
),

-- discounts, credits of the same invoice and tax within prices lower its positive lines, to nothing at most
reductions as (
    select
        invoice_id,
        positive,
        case when net >= positive then 0 when net < 0 then positive else positive - net end as reduction,
        tax,
        unread
    from billed
),

running as (
    select
        amounts._file_id,
        amounts._line,
        amounts.amount,
        reductions.positive,
        reductions.reduction,
        reductions.tax,
        reductions.unread,
        cast(sum(case when amounts.amount > 0 then amounts.amount else 0 end) over (
            partition by amounts.invoice_id
            order by amounts._file_id, amounts._line
            rows between unbounded preceding and current row
        ) as bigint) as running_sum
    from amounts
    inner join reductions on amounts.invoice_id = reductions.invoice_id
),

shares as (
    select
        _file_id,
        _line,
        amount,
        unread,
        case
            when amount > 0
                then
                    {{ whole_share('reduction', 'running_sum', 'positive') }}
                    - {{ whole_share('reduction', '(running_sum - amount)', 'positive') }}
            else 0
        end as reduction,
        case
            when amount > 0
                then
                    {{ whole_share('tax', 'running_sum', 'positive') }}
                    - {{ whole_share('tax', '(running_sum - amount)', 'positive') }}
            else 0
        end as tax
    from running
)

select
    _file_id,
    _line,
    amount,
    cast(reduction as bigint) as reduction,
    cast(tax as bigint) as tax,
    unread
from shares
