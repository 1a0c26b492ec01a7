{#
    A model of a source system loses no row and makes none twice: every row of the objects it is made of (`objects` of
    `system`) is in it, with the reason where it is left out, and file, line and part name one row.
    Returns the rows that are lacking, and those that are there twice.
#}
{% test accounts_for(model, system, objects) %}
with

made as (
    select _file_id, _line, _part, count(*) as row_count
    from {{ model }}
    group by _file_id, _line, _part
),

made_of as (
    select _file_id, _line from made
    group by _file_id, _line
)

select _file_id, _line, 'twice' as finding
from made
where row_count > 1
{%- for object in objects %}
union all
select rows._file_id, rows._line, 'lacking' as finding
from {{ source(system, object) }} as rows
left join made_of on rows._file_id = made_of._file_id and rows._line = made_of._line
where made_of._file_id is null
{%- endfor %}
{% endtest %}
