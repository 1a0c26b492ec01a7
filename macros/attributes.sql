{#
    Attributes of reps (team) and accounts (region, segment) on a day. With attributes_as_of: current a member has one
    version, its current one; with `event` it has several, each in force on days that never overlap, and a join names the day.
#}

{# Versions of the rows of a table: the body of a CTE with one row a version and the days on which it is in force.
   `versions` is a CTE with `key`, `attributes`, version_number (from 1, the oldest) and begins_on. #}
{% macro in_force(versions, key, attributes) %}
    select
        {{ key }}, {{ attributes | join(', ') }}, valid_from,
        coalesce(lead(valid_from) over (partition by {{ key }} order by valid_from), {{ end_of_time() }}) as valid_to
    from (
        -- of versions that say the same the first one says it all
        select
            {{ key }}, {{ attributes | join(', ') }}, valid_from,
            {%- for attribute in attributes %}
            lag({{ attribute }}) over (partition by {{ key }} order by valid_from) as previous_{{ attribute }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            -- the oldest has always been; each holds until any that is newer begins
            select
                {{ key }}, {{ attributes | join(', ') }},
                case when version_number = 1 then {{ start_of_time() }} else begins_on end as valid_from,
                min(begins_on) over (
                    partition by {{ key }} order by version_number rows between 1 following and unbounded following
                ) as superseded_on
            from {{ versions }}
            -- what is said to begin after the as-of date is not known yet
            where version_number = 1 or begins_on <= {{ as_of_date() }}
        ) as dated_versions
        where superseded_on is null or valid_from < superseded_on
    ) as versions_in_force
    where
        previous_{{ attributes[0] }} is null
        {%- for attribute in attributes %}
        or {{ attribute }} <> previous_{{ attribute }}
        {%- endfor %}
{% endmacro %}

{# All good rows of a table, its versions from the oldest on, with the day each begins: the body of a CTE. #}
{% macro numbered_versions(base, key, attributes) %}
    select
        landed.{{ key }},
        {%- for attribute in attributes %}
        {{ known('landed.' ~ attribute) }} as {{ attribute }},
        {%- endfor %}
        {{ local_date('coalesce(landed.updated_at, files.loaded_at)') }} as begins_on,
        row_number() over (
            partition by landed.{{ key }}
            order by
                landed.updated_at asc nulls first, {{ file_order('landed._file_name') }}, landed._file_name,
                landed._file_id, landed._line
        ) as version_number
    from {{ ref(base) }} as landed
    inner join {{ ref('landed_files') }} as files on landed._file_id = files.file_id
    where landed._row_status in ('current', 'superseded')
{% endmacro %}

{# Joins the rep, or the account, with what it was on a day. #}
{% macro join_rep(rep_id, date, alias='reps') -%}
    {{ join_version('dim_sales_rep_versions', 'sales_rep_id', rep_id, date, alias) }}
{%- endmacro %}

{% macro join_account(account_id, date, alias='accounts') -%}
    {{ join_version('dim_account_versions', 'account_id', account_id, date, alias) }}
{%- endmacro %}

{% macro join_version(versions, key, id, date, alias) -%}
    left join {{ ref(versions) }} as {{ alias }}
        on {{ id }} = {{ alias }}.{{ key }}
        {%- if var('attributes_as_of') == 'event' %}
        and {{ date }} >= {{ alias }}.valid_from
        and {{ date }} < {{ alias }}.valid_to
        {%- endif %}
{%- endmacro %}

{# Of spans and versions of members joined to them, the days of both: from the later start to the earlier end. #}
{% macro later_start(start, versions) -%}
    {%- if var('attributes_as_of') == 'event' -%}
    greatest({{ start }}{% for version in versions %}, coalesce({{ version }}.valid_from, {{ start }}){% endfor %})
    {%- else -%}
    {{ start }}
    {%- endif -%}
{%- endmacro %}

{% macro earlier_end(end, versions) -%}
    {%- if var('attributes_as_of') == 'event' -%}
    least({{ end }}{% for version in versions %}, coalesce({{ version }}.valid_to, {{ end }}){% endfor %})
    {%- else -%}
    {{ end }}
    {%- endif -%}
{%- endmacro %}
