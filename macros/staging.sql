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
    {%- elif type in ('decimal', 'rate') -%}
        case when {{ matches(text, number) }} then {{ cast_or_null(text, sql_type(type)) }} end
    {%- elif type == 'integer' -%}
        case
            when {{ matches(text, '[+-]?[0-9]+([.]0*)?') }}
                then {{ cast_or_null(cast_or_null(text, 'decimal(18, 6)'), 'integer') }}
        end
    {%- elif type in ('date', 'month') -%}
        case when {{ matches(text, day ~ '([T ]00:00(:00([.]0+)?)?)?') }} then {{ cast_or_null('substring(' ~ text ~ ', 1, 10)', 'date') }} end
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

{#
    One row per raw row of a landed table: `_file_id`, `_file_name`, `_line`, `_load_id`, the columns typed, and
    `_reasons` (why the row is quarantined, comma-separated, '' if it is not) and `_nulled` (optional values that did
    not parse and became NULL). The SQL of a CTE's body.
#}
{% macro typed_rows(system, table) %}
    {%- set columns = contract_columns(system, table) %}
    with texts as (
        select
            rows._file_id,
            files.file_name as _file_name,
            rows._line,
            rows._load_id,
            {%- for column in columns %}
            {{ trimmed('rows.' ~ column.name) }} as {{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ source(system, table) }} as rows
        inner join {{ source('load', 'load_files') }} as files on rows._file_id = files.file_id
    ),

    parsed as (
        select
            _file_id,
            _file_name,
            _line,
            _load_id,
            {%- for column in columns %}
            {{ column.name }} as {{ column.name }}__text,
            {{ parsed(column.name, column.type, system) }} as {{ column.name }}__value{{ ',' if not loop.last }}
            {%- endfor %}
        from texts
    ),

    ranged as (
        select
            _file_id,
            _file_name,
            _line,
            _load_id,
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
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list(system, table) }},
        concat_ws(','
            {%- for column in columns if column.required %},
            case
                when {{ column.name }}__text is null then 'missing_{{ column.name }}'
                when {{ column.name }} is null then 'invalid_{{ column.name }}'
            end
            {%- endfor %}
        ) as _reasons,
        trim(leading ',' from concat_ws(',', ''
            {%- for column in columns if not column.required and (column.type not in ('text', 'currency') or column.accepted is defined) %},
            case when {{ column.name }}__text is not null and {{ column.name }} is null then 'invalid_{{ column.name }}' end
            {%- endfor %}
        )) as _nulled
    from ranged
{% endmacro %}

{#
    1 for the row of a key that counts, 2 and up for the versions it replaces: the greatest updated_at wins, then the
    file that sorts last, the file loaded last, the later line. Rows with a reason are ranked by themselves, so that a
    bad newer version does not displace a good older one. The order is total: no two raw rows share file and line.
    An expression over rows with the columns of typed_rows().
#}
{% macro version_rank(system, table) -%}
    {%- set columns = contract_columns(system, table) -%}
    {%- set keys = [] -%}
    {%- for column in columns if column.key -%}
        {%- do keys.append(column.name if column.required else "coalesce(" ~ column.name ~ ", '')") -%}
    {%- endfor -%}
    {%- set has_updated_at = columns | selectattr('name', 'equalto', 'updated_at') | list | length > 0 -%}
    row_number() over (
            partition by {{ keys | join(', ') }}, case when _reasons = '' then 1 else 0 end
            order by {{ 'updated_at desc nulls last, ' if has_updated_at }}_file_name desc, _file_id desc, _line desc
        )
{%- endmacro %}

{# What became of a row, by its reasons and its version_rank(): quarantined, current or superseded. #}
{% macro row_status() -%}
    case when _reasons <> '' then 'quarantined' when _version = 1 then 'current' else 'superseded' end
{%- endmacro %}

{# First day that a currency can be converted from: CTE body over the staged rates. #}
{% macro first_rates() %}
    select from_currency, min(rate_on) as first_rate_on
    from {{ ref('stg_planning__fx_rates') }}
    where to_currency = {{ reporting_currency() }}
    group by from_currency
{% endmacro %}

{# The reason missing_fx_rate: a currency that cannot be converted on the date. `rates` is a join to first_rates(). #}
{% macro missing_rate(currency, date, rates='rates') -%}
    case
        when {{ currency }} <> {{ reporting_currency() }}
            and ({{ rates }}.first_rate_on is null or {{ date }} < {{ rates }}.first_rate_on)
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
