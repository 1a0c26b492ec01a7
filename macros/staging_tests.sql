{# Every required column of a landed table has a value, and every value lies in its range or list. Returns the others. #}
{% test as_contracted(model, system, table) %}
select {{ column_list(system, table) }}
from {{ model }}
where
    {%- for column in contract_columns(system, table) %}
    {%- if column.required %}
    {{ column.name }} is null or
    {%- endif %}
    {%- if outside(column) %}
    {{ outside(column) }} or
    {%- endif %}
    {%- endfor %}
    false
{% endtest %}
