-- what was kept but deserves a look: optional values that became NULL, references to unknown parents, and dates that
-- contradict each other, counted over the current rows
{% for system, table in contract_tables() %}
-- depends_on: {{ ref('stg_' ~ system ~ '__' ~ table) }}
{% endfor %}
with

nulled as (
    {% for system, table in contract_tables() %}
    select '{{ system }}.{{ table }}' as system_table, {{ parts_of('_nulled') }} as finding
    from {{ ref('base_' ~ system ~ '__' ~ table) }}
    where _row_status = 'current' and _nulled <> ''
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

unknown_parents as (
    {% for system, table in contract_tables() %}
    {% for column in contract_columns(system, table) if column.parent is defined %}
    {% set parent = column.parent.split('.') %}
    {% set parent_key = (contract_columns(parent[0], parent[1]) | selectattr('key', 'defined') | first).name %}
    select '{{ system }}.{{ table }}' as system_table, 'unknown_{{ column.name }}' as finding
    from {{ ref('stg_' ~ system ~ '__' ~ table) }} as child
    left join {{ ref('stg_' ~ parent[0] ~ '__' ~ parent[1]) }} as parent
        on child.{{ column.name }} = parent.{{ parent_key }}
    where child.{{ column.name }} is not null and parent.{{ parent_key }} is null
    union all
    {% endfor %}
    {% endfor %}
    select 'crm.deals' as system_table, 'closed_before_created' as finding
    from {{ ref('stg_crm__deals') }}
    where closed_at < created_at
    union all
    select 'support.inquiries' as system_table, 'answered_before_received' as finding
    from {{ ref('stg_support__inquiries') }}
    where first_responded_at < received_at
),

findings as (
    select system_table, finding from nulled
    union all
    select system_table, finding from unknown_parents
)

select
    system_table,
    finding,
    count(*) as row_count
from findings
group by system_table, finding
