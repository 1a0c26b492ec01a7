-- what was kept but deserves a look: references to unknown parents, values that contradict each other, and what a row
-- says less than its like; counted over the rows they could be found in, with the money they touch where it is money
{% for system, table in contract_tables() %}
-- depends_on: {{ ref('stg_' ~ system ~ '__' ~ table) }}
{% endfor %}
with

orders as (
    select order_id, status, currency, {{ local_date('ordered_at') }} as ordered_on
    from {{ ref('stg_billing__orders') }}
),

order_nets as (
    select
        order_id,
        sum({{ money_product('quantity', 'unit_price') }} - coalesce(discount_amount, 0)) as net
    from {{ ref('stg_billing__order_items') }}
    group by order_id
),

order_refunds as (
    select order_id, count(*) as refunds, sum(amount - coalesce(tax_amount, 0)) as refunded
    from {{ ref('stg_billing__refunds') }}
    group by order_id
),

-- what each order came to and what of it was given back, in the reporting currency
refunded_orders as (
    select
        orders.status,
        order_refunds.refunds,
        {{ converted('coalesce(order_nets.net, 0)', 'rates.rate') }} as net,
        {{ converted('coalesce(order_refunds.refunded, 0) - coalesce(order_nets.net, 0)', 'rates.rate') }}
            as refunded_beyond_net
    from orders
    left join order_nets on orders.order_id = order_nets.order_id
    left join order_refunds on orders.order_id = order_refunds.order_id
    left join {{ ref('fx_rates_in_force') }} as rates
        on orders.currency = rates.from_currency
        and orders.ordered_on >= rates.valid_from
        and orders.ordered_on < rates.valid_to
),

-- rows of one subscription and one moment beyond the first
simultaneous_changes as (
    select subscription_id, changed_at, count(*) - 1 as further_rows
    from {{ ref('stg_billing__subscription_changes') }}
    group by subscription_id, changed_at
),

-- a company's target that names a member all the same
company_targets as (
    select base._line
    from {{ ref('base_planning__sales_targets') }} as base
    inner join {{ source('planning', 'sales_targets') }} as rows
        on base._file_id = rows._file_id and base._line = rows._line
    where base._row_status = 'current' and base.scope = 'company' and {{ trimmed('rows.scope_value') }} is not null
),

-- the lines in which bytes that are not UTF-8 were replaced
replaced_lines as (
    select system_table, file_id, line
    from {{ source('load', 'replaced_characters') }}
    group by system_table, file_id, line
),

findings as (
    {% for system, table in contract_tables() %}
    {% for column in contract_columns(system, table) if column.parent is defined %}
    {% set parent = column.parent.split('.') %}
    {% set parent_key = (contract_columns(parent[0], parent[1]) | selectattr('key', 'defined') | first).name %}
    select
        '{{ system }}.{{ table }}' as system_table,
        'unknown_{{ column.name }}' as finding,
        count(*) as row_count,
        (select count({{ column.name }}) from {{ ref('stg_' ~ system ~ '__' ~ table) }}) as checked_count,
        cast(null as {{ money() }}) as amount
    from {{ ref('stg_' ~ system ~ '__' ~ table) }} as child
    left join {{ ref('stg_' ~ parent[0] ~ '__' ~ parent[1]) }} as parent
        on child.{{ column.name }} = parent.{{ parent_key }}
    where child.{{ column.name }} is not null and parent.{{ parent_key }} is null
    union all
    {% endfor %}
    select
        '{{ system }}.{{ table }}' as system_table,
        'conflicting_key' as finding,
        count(*) filter (where _is_conflict) as row_count,
        count(*) as checked_count,
        cast(null as {{ money() }}) as amount
    from {{ ref('base_' ~ system ~ '__' ~ table) }}
    union all
    select
        '{{ system }}.{{ table }}' as system_table,
        'replaced_characters' as finding,
        count(*) as row_count,
        (select count(*) from {{ ref('stg_' ~ system ~ '__' ~ table) }}) as checked_count,
        cast(null as {{ money() }}) as amount
    from {{ ref('base_' ~ system ~ '__' ~ table) }} as base
    inner join replaced_lines
        on replaced_lines.system_table = '{{ system }}.{{ table }}'
        and base._file_id = replaced_lines.file_id
        and base._line = replaced_lines.line
    where base._row_status = 'current'
    union all
    {% endfor %}
    select
        'crm.deals' as system_table,
        'closed_before_created' as finding,
        count(*) filter (where not {{ is_not_before('closed_at', 'created_at') }}) as row_count,
        count(closed_at) as checked_count,
        cast(null as {{ money() }}) as amount
    from {{ ref('stg_crm__deals') }}
    union all
    select
        'crm.deals' as system_table,
        'deals_without_amount' as finding,
        count(*) filter (where amount is null) as row_count,
        count(*) as checked_count,
        cast(null as {{ money() }}) as amount
    from {{ ref('stg_crm__deals') }}
    union all
    select
        'support.inquiries' as system_table,
        'answered_before_received' as finding,
        count(*) filter (where not {{ is_not_before('first_responded_at', 'received_at') }}) as row_count,
        count(first_responded_at) as checked_count,
        cast(null as {{ money() }}) as amount
    from {{ ref('stg_support__inquiries') }}
    union all
    select
        'support.csat_responses' as system_table,
        'unanswered_surveys' as finding,
        count(*) filter (where score is null) as row_count,
        count(*) as checked_count,
        cast(null as {{ money() }}) as amount
    from {{ ref('stg_support__csat_responses') }}
    union all
    select
        'billing.orders' as system_table,
        'refunded_without_refund' as finding,
        count(*) filter (where status = 'refunded' and refunds is null) as row_count,
        count(*) as checked_count,
        sum(net) filter (where status = 'refunded' and refunds is null) as amount
    from refunded_orders
    union all
    select
        'billing.refunds' as system_table,
        'refund_above_order' as finding,
        sum(refunds) filter (where refunded_beyond_net > 0) as row_count,
        sum(refunds) as checked_count,
        sum(refunded_beyond_net) filter (where refunded_beyond_net > 0) as amount
    from refunded_orders
    union all
    select
        'billing.subscription_changes' as system_table,
        'two_changes_at_one_moment' as finding,
        sum(further_rows) as row_count,
        sum(further_rows + 1) as checked_count,
        cast(null as {{ money() }}) as amount
    from simultaneous_changes
    union all
    select
        'planning.sales_targets' as system_table,
        'company_target_with_scope_value' as finding,
        count(*) as row_count,
        count(*) as checked_count,
        cast(null as {{ money() }}) as amount
    from company_targets
)

select
    system_table,
    finding,
    cast(row_count as bigint) as row_count,
    cast(checked_count as bigint) as checked_count,
    cast(amount as {{ money() }}) as amount
from findings
where row_count > 0
