{# From raw text to typed rows, by the source contract in models/staging/_sources.yml. #}

{# The columns of a landed table, as [{name, type, required, key, ...}]. #}
{% macro contract_columns(system, table) %}
    {% set columns = [] %}
    {% for node in (graph.sources.values() if execute else []) if node.source_name == system and node.name == table %}
        {% for column in node.columns.values() %}
            {% do columns.append(dict(column.config.meta, name=column.name)) %}
        {% endfor %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{# The columns of a landed table as staging has them: each timestamp is followed by whether it is a day alone. #}
{% macro column_list(system, table, relation='') -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- for column in contract_columns(system, table) -%}
        {{ prefix }}{{ column.name }}
        {%- if column.type == 'timestamp' %}, {{ prefix }}{{ column.name }}_is_day{% endif -%}
        {{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The SQL type a contract type becomes (macros/money.sql says how far they reach). #}
{% macro sql_type(type) %}
    {{ return({
        'text': text_type(), 'currency': text_type(), 'integer': 'integer', 'decimal': amount_type(),
        'rate': rate_type(), 'date': 'date', 'month': 'date', 'timestamp': 'timestamp',
    }[type]) }}
{% endmacro %}

{#
    A timestamp text in the one form that engines read: no space before the offset, capital Z (also for UTC), minutes set
    off by a colon, seconds written out.
#}
{% macro plain_timestamp(text) -%}
    {%- set with_z = "regexp_replace(upper(" ~ text ~ "), ' ?(UTC|Z)$', 'Z')" -%}
    {%- set unspaced = "regexp_replace(" ~ with_z ~ ", '(:[0-9.]+) ?(Z|[+-][0-9:]+)$', '" ~ captured(1) ~ captured(2) ~ "')" -%}
    {%- set with_colon = "regexp_replace(" ~ unspaced ~ ", '(:[0-9.]+[+-][0-9]{2})([0-9]{2})$', '" ~ captured(1) ~ ":" ~ captured(2) ~ "')" -%}
    regexp_replace({{ with_colon }}, '([T ][0-9]{2}:[0-9]{2})((Z|[+-].*)?)$', '{{ captured(1) }}:00{{ captured(2) }}')
{%- endmacro %}

{# A day, as text. #}
{% macro day_pattern() %}{{ return('[0-9]{4}-[0-9]{2}-[0-9]{2}') }}{% endmacro %}

{#
    A trimmed text as its type; NULL where it does not parse. A timestamp without an offset is in the time zone that
    naive_timestamps_in gives its system; a day is the start of this day in business_timezone.
#}
{% macro parsed(text, type, system) -%}
    {%- set number = '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?' -%}
    {%- set day = day_pattern() -%}
    {%- set clock = '([01][0-9]|2[0-3]):[0-5][0-9]' -%}
    {%- set offset = '(Z|[+-]([01][0-9]|2[0-3])(:[0-5][0-9])?)' -%}
    {%- set any_offset = ' ?([Zz]|[Uu][Tt][Cc]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)' -%}
    {%- if type == 'text' -%}
        {{ text }}
    {%- elif type == 'currency' -%}
        upper({{ text }})
    {%- elif type == 'decimal' -%}
        case when {{ matches(text, number) }} then {{ amount_or_null(text) }} end
    {%- elif type == 'rate' -%}
        case when {{ matches(text, number) }} then {{ cast_or_null(text, rate_type()) }} end
    {%- elif type == 'integer' -%}
        case
            when {{ matches(text, '[+-]?[0-9]+([.]0*)?') }}
                then {{ cast_or_null(cast_or_null(text, 'decimal(18, 6)'), 'integer') }}
        end
    {%- elif type in ('date', 'month') -%}
        case when {{ matches(text, day ~ '([T ]00:00(:00([.]0+)?)?(Z|[+-]00(:?00)?)?)?') }} then {{ cast_or_null('substring(' ~ text ~ ', 1, 10)', 'date') }} end
    {%- elif type == 'timestamp' -%}
        case
            when {{ matches(text, day ~ '[T ]' ~ clock ~ ':[0-5][0-9]([.][0-9]+)?' ~ offset) }} then {{ instant_or_null(text) }}
            when {{ matches(text, day) }} then {{ zoned_instant_or_null(text, var('business_timezone')) }}
            when {{ matches(text, day ~ '[T ]' ~ clock ~ '(:[0-5][0-9]([.][0-9]+)?)?') }}
                then {{ zoned_instant_or_null(plain_timestamp(text), naive_timezone(system)) }}
            when {{ matches(text, day ~ '[T ]' ~ clock ~ '(:[0-5][0-9]([.][0-9]+)?)?' ~ any_offset) }}
                then {{ instant_or_null(plain_timestamp(text)) }}
        end
    {%- endif -%}
{%- endmacro %}

{# The time zone of a system's timestamps that say no offset: var naive_timestamps_in, a zone or system=zone,... #}
{% macro naive_timezone(system) %}
    {%- set given = (var('naive_timestamps_in') or 'UTC') | string -%}
    {%- if '=' not in given -%}
        {{ return(given | trim) }}
    {%- endif -%}
    {%- for pair in given.split(',') if pair.split('=')[0] | trim == system -%}
        {{ return(pair.split('=')[1] | trim) }}
    {%- endfor -%}
    {{ return('UTC') }}
{% endmacro %}

{#
    The condition under which a parsed value lies outside the contract's range or list; '' where it has none. `suffix`
    is what the names of all values end in.
#}
{% macro outside(column, suffix='') -%}
    {%- set conditions = [] -%}
    {%- set value = column.name ~ suffix -%}
    {%- if column.min is defined %}{% do conditions.append(value ~ ' < ' ~ column.min) %}{% endif -%}
    {%- if column.max is defined %}{% do conditions.append(value ~ ' > ' ~ column.max) %}{% endif -%}
    {%- if column.above is defined %}{% do conditions.append(value ~ ' <= ' ~ column.above) %}{% endif -%}
    {%- if column.below is defined %}{% do conditions.append(value ~ ' >= ' ~ column.below) %}{% endif -%}
    {%- if column.at_most is defined -%}
        {%- do conditions.append('coalesce(' ~ value ~ ' > ' ~ column.at_most ~ suffix ~ ', false)') -%}
    {%- endif -%}
    {%- if column.type == 'month' %}{% do conditions.append('extract(day from ' ~ value ~ ') <> 1') %}{% endif -%}
    {%- if column.accepted is defined -%}
        {%- do conditions.append(value ~ " not in ('" ~ column.accepted | join("', '") ~ "')") -%}
    {%- endif -%}
    {{ conditions | join(' or ') }}
{%- endmacro %}

{# What every landed row has beside its columns: where it came from, and its texts in one (`_content`). #}
{% macro row_columns(system, table, relation='') -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- for name in ('_file_id', '_line', '_part', '_left_out', '_content') -%}
        {{ prefix }}{{ name }},{{ ' ' }}
    {%- endfor -%}
    {{ column_list(system, table, relation) }}
{%- endmacro %}

{#
    Accounts or reps by what else landed rows may call them: a rep by an e-mail address, either by the key
    that another system has for it. The body of a subquery.
#}
{% macro members_by_other_names(parent) %}
    {%- if parent == 'crm.accounts' -%}
    select lower(account_id) as named, min(linked_account_id) as member_id
    from {{ ref('account_links') }}
    where linked_account_id is not null
    group by lower(account_id)
    {%- else -%}
    select named, min(member_id) as member_id
    from (
        select email as named, rep_id as member_id from {{ ref('rep_emails') }}
        union all
        select lower(rep_id) as named, linked_rep_id as member_id from {{ ref('rep_links') }}
    ) as names
    group by named
    {%- endif -%}
{% endmacro %}

{#
    The columns of a landed table that hold another name for an account or a rep where source systems landed: names that
    the links between systems resolve. All are plain texts without a range.
#}
{% macro linked_columns(system, table) %}
    {%- set members = ['crm.accounts', 'crm.sales_reps'] if (var('enabled_sources') or []) | length > 0 else [] %}
    {{ return(contract_columns(system, table) | selectattr('parent', 'defined') | selectattr('parent', 'in', members) | list) }}
{% endmacro %}

{# The texts of a landed table's own files. The body of a CTE. #}
{% macro own_texts(system, table) %}
    {%- set has_comma = has_decimal_comma(system, table) %}
    select
        _file_id,
        _line
        {%- for column in contract_columns(system, table) %},
        {% if has_comma and column.type in ('decimal', 'rate', 'integer') -%}
            {{ number_from(trimmed(column.name), ',') }} as {{ column.name }}
        {%- else -%}
            {{ column.name }}
        {%- endif %}
        {%- endfor %}
    from {{ source(system, table) }}
{% endmacro %}

{#
    The texts that the models of source systems bring for a table of the contract; there must be one. The body of a CTE.
    `_part` numbers the rows made of one; `_left_out` is why a system's row is on purpose none of the contract's.
#}
{% macro brought_texts(system, table) %}
    {%- for model in source_models(system ~ '.' ~ table) %}
    {%- if not loop.first %}

    union all
    {% endif %}
    select
        _file_id,
        _line,
        _part,
        _left_out
        {%- for column in contract_columns(system, table) %},
        {{ column.name if column.name in model_node(model).columns else 'cast(null as ' ~ text_type() ~ ') as ' ~ column.name }}
        {%- endfor %}
    from {{ ref(model) }}
    {%- endfor %}
{% endmacro %}

{# What landed for a table of the contract, as text: own_texts() and brought_texts(), linked. The body of a CTE. #}
{% macro landed_for(system, table) %}
    {%- set columns = contract_columns(system, table) %}
    {%- set linked = linked_columns(system, table) %}
    {{- links_used() }}
    {%- if linked %}
    select
        rows._file_id,
        rows._line,
        rows._part,
        rows._left_out
        {%- for column in columns %},
        {% if column in linked -%}
            coalesce(of_{{ column.name }}.member_id, rows.{{ column.name }})
        {%- else -%}
            rows.{{ column.name }}
        {%- endif %} as {{ column.name }}
        {%- endfor %}
    from (
    {%- endif %}
    select
        _file_id,
        _line,
        1 as _part,
        cast(null as {{ text_type() }}) as _left_out
        {%- for column in columns %},
        {{ column.name }}
        {%- endfor %}
    from (
        {{ own_texts(system, table) }}
    ) as own
    {%- if source_models(system ~ '.' ~ table) %}

    union all

    {{ brought_texts(system, table) }}
    {%- endif %}
    {%- if linked %}
    ) as rows
    {%- for column in linked %}
    {{ join_members(column, trimmed('rows.' ~ column.name)) }}
    {%- endfor %}
    {%- endif %}
{% endmacro %}

{# Tells dbt, which must know before it has read the sources file, that the links are read where source systems landed. #}
{% macro links_used() %}
    {%- if (var('enabled_sources') or []) | length > 0 %}
    -- depends_on: {{ ref('account_links') }}, {{ ref('rep_emails') }}, {{ ref('rep_links') }}
    {%- endif %}
{%- endmacro %}

{# Joins the account or rep whose other name a column of linked_columns() holds, as `of_<column>`. #}
{% macro join_members(column, text) -%}
    left join (
        {{ members_by_other_names(column.parent) }}
    ) as of_{{ column.name }} on lower({{ text }}) = of_{{ column.name }}.named
{%- endmacro %}

{#
    Rows of texts, typed by the contract of a landed table: the columns of `carried` as they are, `_content` (what tells
    two rows of a key apart), the columns of column_list(), and `_reasons`, why the row is quarantined (comma-separated,
    '' if it is not): a value that is missing, or filled and not of its type, range or list. What it gives of a row
    depends on this row, the contract and the settings of typing alone. The body of a CTE.
#}
{% macro typed_texts(system, table, rows, carried) %}
    {%- set columns = contract_columns(system, table) %}
    {%- set apart = linked_columns(system, table) | map(attribute='name') | list %}
    {%- set others = columns | rejectattr('key', 'defined') | map(attribute='name') | reject('in', apart) | list %}
    with texts as (
        select
            {%- for name in carried %}
            {{ name }},
            {%- endfor %}
            {%- for column in columns %}
            {{ trimmed(column.name) }} as {{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            {{ rows }}
        ) as landed
    ),

    parsed as (
        select
            {%- for name in carried %}
            {{ name }},
            {%- endfor %}
            {#- typed_rows() adds the texts of linked columns, and DuckDB is slow to make a text of a digest -#}
            {%- set content = "concat_ws('␟'" ~ fingerprinted(others) ~ ")" %}
            {{ 'md5(' ~ content ~ ')' if apart else digest(content) }} as _content,
            {%- for column in columns %}
            {{ column.name }} as {{ column.name }}__text,
            {{ parsed(column.name, column.type, system) }} as {{ column.name }}__value{{ ',' if not loop.last }}
            {%- endfor %}
        from texts
    ),

    ranged as (
        select
            {%- for name in carried %}
            {{ name }},
            {%- endfor %}
            _content,
            {%- for column in columns %}
            {%- set value = column.name ~ '__value' %}
            {{ column.name }}__text,
            {%- set condition = outside(column, '__value') %}
            {% if column.type == 'timestamp' %}{{ matches(column.name ~ '__text', day_pattern()) }} as {{ column.name }}_is_day,
            {% endif %}{% if condition %}case when not ({{ condition }}) then {{ value }} end{% else %}{{ value }}{% endif %} as {{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from parsed
    )

    select
        {%- for name in carried %}
        {{ name }},
        {%- endfor %}
        _content,
        {{ column_list(system, table) }},
        concat_ws(','
            {%- for column in columns if column.required or column.type not in ('text', 'currency') or column.accepted is defined %},
            case
                when {{ column.name }} is null and {{ column.name }}__text is not null then 'invalid_{{ column.name }}'
                {%- if column.required %}
                when {{ column.name }} is null then 'missing_{{ column.name }}'
                {%- endif %}
            end
            {%- endfor %}
        ) as _reasons
    from ranged
{% endmacro %}

{# The texts of columns, NULL as '', as further arguments of concat_ws(). #}
{% macro fingerprinted(names) -%}
    {%- for name in names %}, coalesce({{ name }}, ''){% endfor -%}
{%- endmacro %}

{#
    The model typed_<system>__<table>: the rows of a landed table's own files, typed_texts(). Raw rows do not change, so
    each is typed once, where the engine has the materialization that sees to it.
#}
{% macro typed_once(system, table) %}
    {{- config(materialized='append_once' if target.type == 'duckdb' else 'table') }}
    {{- typed_texts(system, table, own_texts(system, table), ['_file_id', '_line']) }}
{% endmacro %}

{#
    One row per row that landed for a table: row_columns() and `_reasons`. Those of its own files are typed already, those
    that source systems bring come of joins and are typed here; then other names of accounts and reps are resolved, which
    changes no reason: a link gives a name that is filled for one that is filled. The SQL of a CTE's body.
#}
{% macro typed_rows(system, table) %}
    {%- set columns = contract_columns(system, table) %}
    {%- set linked = linked_columns(system, table) %}
    {%- set models = source_models(system ~ '.' ~ table) %}
    {{- links_used() }}
    with {% if models %}brought as (
        {{ typed_texts(system, table, brought_texts(system, table), ['_file_id', '_line', '_part', '_left_out']) }}
    ),

    {% endif %}typed as (
        select
            _file_id,
            _line,
            1 as _part,
            cast(null as {{ text_type() }}) as _left_out,
            _content,
            {{ column_list(system, table) }},
            _reasons
        from {{ ref('typed_' ~ system ~ '__' ~ table) }}
        {%- if models %}

        union all

        select
            _file_id,
            _line,
            _part,
            _left_out,
            _content,
            {{ column_list(system, table) }},
            _reasons
        from brought
        {%- endif %}
    )
    {%- if linked %},

    linked as (
        select
            typed._file_id,
            typed._line,
            typed._part,
            typed._left_out,
            typed._reasons,
            -- two rows that name one account in two ways say the same
            concat_ws('␟', typed._content{% for column in linked if not column.key %}, coalesce(of_{{ column.name }}.member_id, typed.{{ column.name }}, ''){% endfor %}) as _content
            {%- for column in columns %},
            {% if column in linked %}coalesce(of_{{ column.name }}.member_id, typed.{{ column.name }}) as {{ column.name }}{% else %}typed.{{ column.name }}{% endif %}
            {%- if column.type == 'timestamp' %},
            typed.{{ column.name }}_is_day
            {%- endif %}
            {%- endfor %}
        from typed
        {%- for column in linked %}
        {{ join_members(column, 'typed.' ~ column.name) }}
        {%- endfor %}
    )
    {%- endif %}

    select
        {{ row_columns(system, table) }},
        _reasons
    from {{ 'linked' if linked else 'typed' }}
{% endmacro %}

{# The columns of a key as SQL, each with one value for NULL where it may be blank. #}
{% macro key_columns(system, table) -%}
    {%- for column in contract_columns(system, table) if column.key -%}
        {{ column.name if column.required else "coalesce(" ~ column.name ~ ", '')" }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# Whether the columns of a key could be read. A condition. #}
{% macro has_key(system, table, relation) -%}
    {%- for column in contract_columns(system, table) if column.key and column.required -%}
        {{ relation }}.{{ column.name }} is not null{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#
    The files of a landed table, its own and those of the systems that bring rows for it: `file_rank` rises in the order
    in which a later version of a row replaces an earlier one: by the name as people count, then as loaded. The body of a CTE.
#}
{% macro files_of(system, table) %}
    select
        file_id,
        file_name,
        system_table,
        load_id,
        min(file_id) over (partition by load_id) as first_file_of_load,
        max(file_id) over (partition by system_table, file_name) > file_id as is_replaced,
        row_number() over (
            partition by system_table order by {{ file_order('file_name') }} desc, file_name desc, file_id desc
        ) = 1 as is_newest_file,
        row_number() over (order by {{ file_order('file_name') }}, file_name, file_id) as file_rank
    from {{ source('load', 'load_files') }}
    where system_table = '{{ system }}.{{ table }}'
    {%- for model in source_models(system ~ '.' ~ table) %}
        or system_table like '{{ model.split('__')[0] }}.%'
    {%- endfor %}
{% endmacro %}

{#
    1 for the row of a key that counts, 2 and up for the versions it replaces: the greatest updated_at wins, then the
    file that comes last (files_of), the later line. Rows with a reason are ranked by themselves, so that a bad newer
    version does not displace a good older one. The order is total: no two rows share file, line and part. An expression
    over rows with the columns of typed_rows() and `_file_rank`.
#}
{% macro version_rank(system, table) -%}
    row_number() over (
            partition by {{ key_columns(system, table) }}, case when _reasons = '' then 1 else 0 end
            order by updated_at desc nulls last, _file_rank desc, _file_id desc, _line desc, _part desc
        )
{%- endmacro %}

{#
    What became of each row, from rows with the columns of typed_rows() and all their reasons: the body of a CTE.

    _row_status   quarantined; current, the version of its key that counts; superseded by that one; or deleted: the version
                  that took the key away, by its deleted_at or, of a table of full_extract_tables, by not being in the newest file;
                  left_out, a row of a source system that is on purpose none of the contract's, and takes its key away, too
    _is_repaired  quarantined, but its key has a good row that came with it or since, or its file was replaced by one of the same name
    _is_conflict  another row of its key and file says something else, later and by the same updated_at
#}
{% macro judged_rows(system, table, rows) %}
    {%- set systems = [system ~ '.' ~ table] %}
    {%- for model in source_models(system ~ '.' ~ table) %}{% do systems.append(model.split('__')[0] ~ '.') %}{% endfor %}
    {%- set full_extracts = [] %}
    {%- for name in full_extract_tables() if name in systems or name.split('.')[0] ~ '.' in systems %}
        {%- do full_extracts.append(name) %}
    {%- endfor %}
    {%- set keys = key_columns(system, table) %}
    with files as (
        {{ files_of(system, table) }}
    ),

    placed as (
        select
            {{ row_columns(system, table, 'landed') }},
            {%- if systems | length > 1 %}
            -- nothing is wrong with a row that is left out
            case when landed._left_out is null then landed._reasons else '' end as _reasons,
            {%- else %}
            landed._reasons,
            {%- endif %}
            files.is_newest_file as _is_newest_file,
            files.file_rank as _file_rank
        from {{ rows }} as landed
        inner join files on landed._file_id = files.file_id
    ),

    ranked as (
        select
            {{ row_columns(system, table) }},
            _reasons,
            {{ version_rank(system, table) }} as _version,
            max(case when _reasons = '' then _file_id end) over (partition by {{ keys }}) as _last_good_file,
            {%- if full_extracts %}
            max(case when _is_newest_file then 1 else 0 end) over (partition by {{ keys }}) as _in_newest_file,
            {%- endif %}
            lead(_content) over (
                partition by {{ keys }}, case when _reasons = '' then 1 else 0 end, _file_id, updated_at
                order by _line, _part
            ) as _next_content
        from placed
    )

    select
        ranked._file_id,
        files.file_name as _file_name,
        ranked._line,
        ranked._part,
        files.load_id as _load_id,
        files.system_table as _source_table,
        ranked._left_out,
        {{ column_list(system, table, 'ranked') }},
        ranked._reasons,
        case
            when ranked._reasons <> '' then 'quarantined'
            when ranked._version > 1 then 'superseded'
            {%- if systems | length > 1 %}
            when ranked._left_out is not null then 'left_out'
            {%- endif %}
            when {{ local_date('ranked.deleted_at') }} <= {{ as_of_date() }} then 'deleted'
            {%- if full_extracts %}
            when files.system_table in ('{{ full_extracts | join("', '") }}') and ranked._in_newest_file = 0 then 'deleted'
            {%- endif %}
            else 'current'
        end as _row_status,
        ranked._reasons <> '' and (
            files.is_replaced
            or (
                {{ has_key(system, table, 'ranked') }}
                and coalesce(ranked._last_good_file >= files.first_file_of_load, false)
            )
        ) as _is_repaired,
        ranked._reasons = ''
        and ranked._left_out is null
        and coalesce(ranked._next_content <> ranked._content, false) as _is_conflict
    from ranked
    inner join files on ranked._file_id = files.file_id
{% endmacro %}

{#
    Joins the rate in force on a date, as `rates`, and whether a currency has any, as `convertible`; missing_rate() then
    says whether there is a reason: no rate by the rules of fx_rates_in_force, or for a row without a readable date none at all.
#}
{% macro join_rate_in_force(currency, date) -%}
    left join {{ ref('fx_rates_in_force') }} as rates
        on {{ currency }} = rates.from_currency
        and {{ date }} >= rates.valid_from
        and {{ date }} < rates.valid_to
    left join (select from_currency from {{ ref('fx_rates_in_force') }} group by from_currency) as convertible
        on {{ currency }} = convertible.from_currency
{%- endmacro %}

{# The reason missing_fx_rate: a currency that cannot be converted on a date. An expression beside join_rate_in_force(). #}
{% macro missing_rate(currency, date) -%}
    case
        when {{ currency }} <> {{ reporting_currency() }}
            and rates.from_currency is null
            and ({{ date }} is not null or convertible.from_currency is null)
            then 'missing_fx_rate'
    end
{%- endmacro %}

{# All landed tables; written out because dbt must know a model's refs before it has read the sources file. #}
{% macro contract_tables() %}
    {{ return([
        ('crm', 'sales_reps'),
        ('crm', 'accounts'),
        ('crm', 'leads'),
        ('crm', 'deals'),
        ('crm', 'deal_stage_changes'),
        ('crm', 'activities'),
        ('billing', 'orders'),
        ('billing', 'order_items'),
        ('billing', 'refunds'),
        ('billing', 'products'),
        ('billing', 'subscription_changes'),
        ('marketing', 'ad_spend'),
        ('marketing', 'social_engagements'),
        ('support', 'inquiries'),
        ('support', 'csat_responses'),
        ('planning', 'sales_targets'),
        ('planning', 'sales_quotas'),
        ('planning', 'sales_costs'),
        ('planning', 'fx_rates'),
    ]) }}
{% endmacro %}
