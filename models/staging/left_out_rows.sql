-- rows of source systems that are on purpose none of the contract's: deleted, merged, test data, copies, ...
{% for system, table in contract_tables() %}
select
    '{{ system }}.{{ table }}' as system_table,
    _source_table as source_table,
    _left_out as reason,
    _file_name as file_name,
    _line as line,
    _load_id as load_id
from {{ ref('base_' ~ system ~ '__' ~ table) }}
where _row_status = 'left_out'
{{ 'union all' if not loop.last }}
{% endfor %}
