{#
    From the tables of a source system to rows of the source contract: what the models of models/sources/<system>/ are
    written with. A value that cannot be read is passed on as it came, so that staging sets its row aside with it.
#}

{# The models that bring rows of a contract table (`system.table`), or of another kind (`identities`): var source_models. #}
{% macro source_models(brings) %}
    {{ return((var('source_models') or {}).get(brings, [])) }}
{% endmacro %}

{# The node of a model, by its name. #}
{% macro model_node(name) %}
    {% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.name == name %}
        {{ return(node) }}
    {% endfor %}
    {{ return({'columns': {}, 'config': {'meta': {}}}) }}
{% endmacro %}

{# The object of a system, as it is declared beside its models. #}
{% macro source_object(system, object) %}
    {% for node in (graph.sources.values() if execute else []) if node.source_name == system and node.name == object %}
        {{ return(node) }}
    {% endfor %}
    {{ return({'columns': {}, 'config': {'meta': {}}}) }}
{% endmacro %}

{# The tables of var full_extract_tables, as a list. #}
{% macro full_extract_tables() %}
    {% set tables = [] %}
    {% for table in (var('full_extract_tables') or '').split(',') if table | trim %}
        {% do tables.append(table | trim) %}
    {% endfor %}
    {{ return(tables) }}
{% endmacro %}

{#
    Every row of an object, as it lies in raw: its columns trimmed (blank: NULL), _file_id and _line, and _is_current,
    whether it is the version of its key that counts: by the object's columns with meta `version`, greatest first, then
    the file whose name sorts last, then the later line. A system that marks its versions says which are over by itself
    (meta `is_active`: a column that is false then). The body of a CTE.
#}
{% macro source_rows(system, object) %}
    {%- set declared = source_object(system, object) %}
    {%- set keys = [] %}
    {%- set versions = [] %}
    {%- set active = [] %}
    {%- for column in declared.columns.values() %}
        {%- if column.config.meta.key %}{% do keys.append(column.name) %}{% endif %}
        {%- if column.config.meta.version %}{% do versions.append(column.name) %}{% endif %}
        {%- if column.config.meta.is_active %}{% do active.append(column.name) %}{% endif %}
    {%- endfor %}
    select
        texts.*,
        row_number() over (
            partition by {{ keys | join(', ') if keys else '_file_id, _line' }}
            order by
                {% for name in active %}case when lower({{ name }}) in ('false', '0', 'f') then 1 else 0 end, {% endfor %}
                {% for name in versions %}{{ epoch_or_text(name) }} desc nulls last, {% endfor %}
                {{ file_order('_file') }} desc, _file desc, _file_id desc, _line desc
        ) = 1 as _is_current
    from (
        select
            _file_id,
            _line,
            _file
            {%- for column in declared.columns.values() %},
            {{ trimmed(quoted_name(column.name)) }} as {{ quoted_name(column.name) }}
            {%- endfor %}
            {%- if declared.config.meta.keeps_other_columns %},
            _other_columns
            {%- endif %}
        from {{ source(system, object) }}
    ) as texts
{% endmacro %}

{# The version of each key of an object that counts; of a full extract those of its newest file. The body of a CTE. #}
{% macro current_rows(system, object) %}
    select versions.*
    from (
        {{ source_rows(system, object) }}
    ) as versions
    {%- if (system ~ '.' ~ object) in full_extract_tables() %}
    inner join (
        select
            file_id,
            row_number() over (order by {{ file_order('file_name') }} desc, file_name desc, file_id desc) as file_number
        from {{ source('load', 'load_files') }}
        where system_table = '{{ system }}.{{ object }}'
    ) as files on versions._file_id = files.file_id and files.file_number = 1
    {%- endif %}
    where versions._is_current
{% endmacro %}

{# A version to sort by: epoch seconds or milliseconds as numbers of one width, any other text as it is. #}
{% macro epoch_or_text(text) -%}
    case when {{ matches(text, '[0-9]{1,18}') }} then lpad({{ text }}, 18, '0') else {{ text }} end
{%- endmacro %}

{# The key of a system's row in the contract: with the system before it, so that two systems do not collide. #}
{% macro system_key(system, id) -%}
    '{{ system }}:' || {{ id }}
{%- endmacro %}

{# Whether a flag is set: true, 1, t, yes, in any case. A blank is not. #}
{% macro is_set(text) -%}
    coalesce(lower({{ text }}) in ('true', 't', '1', 'yes', 'y'), false)
{%- endmacro %}

{#
    An instant as the contract writes it. Epoch seconds, milliseconds and microseconds are read as such; a text without
    an offset is of `zone` (replicated tables: UTC); a day alone stays a day. Other texts are passed on as they are.
#}
{% macro instant(text, zone='UTC') -%}
    {%- set clock = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?' -%}
    case
        when {{ matches(text, '[0-9]{9,10}([.]0*)?') }} then {{ instant_text(instant_of_epoch(text, 1)) }}
        when {{ matches(text, '[0-9]{12,13}([.]0*)?') }} then {{ instant_text(instant_of_epoch(text, 1000)) }}
        when {{ matches(text, '[0-9]{15,16}([.]0*)?') }} then {{ instant_text(instant_of_epoch(text, 1000000)) }}
        when {{ matches(text, day_pattern() ~ '[T ]' ~ clock) }}
            then coalesce({{ instant_text(zoned_instant_or_null(plain_timestamp(text), zone)) }}, {{ text }})
        else {{ text }}
    end
{%- endmacro %}

{# The same of a text in another order of day, month and year, such as `DD.MM.YYYY` or `M/D/YYYY`, with a time or without. #}
{% macro instant_by(text, day_format, zone='UTC') -%}
    {{ instant(iso_text(text, day_format), zone) }}
{%- endmacro %}

{#
    A text that begins with a day in another order as one that begins with it in ISO's, the rest (a time) kept; others
    as they are. `day_format` has D or DD, M or MM, YYYY or YY (of this century) and what stands between them.
#}
{% macro iso_text(text, day_format) -%}
    {%- set parts = modules.re.findall('D+|M+|Y+', day_format) -%}
    {%- set between = modules.re.split('D+|M+|Y+', day_format)[1:-1] -%}
    {%- set tail = modules.re.split('D+|M+|Y+', day_format)[-1] -%}
    {%- set place = {} -%}
    {%- set pattern = [] -%}
    {%- for part in parts -%}
        {%- do place.update({part[0]: loop.index}) -%}
        {%- do pattern.append('([0-9]{4})' if part == 'YYYY' else '([0-9]{2})' if part == 'YY' else '([0-9]{1,2})') -%}
        {%- if not loop.last -%}
            {%- do pattern.append('[' ~ between[loop.index0] ~ ']' if between[loop.index0] | length == 1 else between[loop.index0]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if tail -%}{%- do pattern.append('[' ~ tail ~ ']') -%}{%- endif -%}
    {%- set day = '^' ~ pattern | join -%}
    {%- set year = ('20' if 'YYYY' not in day_format else '') ~ captured(place['Y']) -%}
    case
        when {{ matches(text, pattern | join ~ '([ T,].*)?') }}
            then {{ two_digits("regexp_replace(" ~ text ~ ", '" ~ day ~ "([ ,]*)', '" ~ year ~ "-" ~ captured(place['M']) ~ "-" ~ captured(place['D']) ~ " ')") }}
        else {{ text }}
    end
{%- endmacro %}

{# A text that begins with year-month-day: month, day and hour of two digits, hours of 24, no blank at its end. #}
{% macro two_digits(text) -%}
    {%- set month = "regexp_replace(" ~ text ~ ", '^([0-9]{4})-([0-9])-', '" ~ captured(1) ~ "-0" ~ captured(2) ~ "-')" -%}
    {%- set day = "regexp_replace(" ~ month ~ ", '^([0-9]{4}-[0-9]{2})-([0-9])([^0-9]|$)', '" ~ captured(1) ~ "-0" ~ captured(2) ~ captured(3) ~ "')" -%}
    {%- set hour = "regexp_replace(trim(" ~ day ~ "), '^([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]):', '" ~ captured(1) ~ " 0" ~ captured(2) ~ ":')" -%}
    {%- set clock = '[0-9]{4}-[0-9]{2}-[0-9]{2} (0[1-9]|1[0-2]):[0-5][0-9](:[0-5][0-9])? ?' -%}
    case
        when {{ matches(hour, clock ~ '[Aa][Mm]') }}
            then substring({{ hour }}, 1, 11)
                || case when substring({{ hour }}, 12, 2) = '12' then '00' else substring({{ hour }}, 12, 2) end
                || regexp_replace(substring({{ hour }}, 14), ' ?[AaPp][Mm]$', '')
        when {{ matches(hour, clock ~ '[Pp][Mm]') }}
            then substring({{ hour }}, 1, 11)
                || cast(12 + {{ cast_or_null("substring(" ~ hour ~ ", 12, 2)", 'integer') }} % 12 as {{ text_type() }})
                || regexp_replace(substring({{ hour }}, 14), ' ?[AaPp][Mm]$', '')
        else {{ hour }}
    end
{%- endmacro %}

{#
    The first day of the month that a text names, as the contract writes it: of a day, `2025-03`, `03/2025`, `Mar 2025`,
    `2025년 3월`; other texts are passed on as they are.
#}
{% macro month_from(text) -%}
    {%- set year_first = '([0-9]{4})[-./ 년]+([0-9]{1,2})[월. ]*' -%}
    {%- set month_first = '([0-9]{1,2})[-./ ]([0-9]{4})' -%}
    {%- set month_name = '([A-Za-z]{3})[A-Za-z]*[-./ ,]*([0-9]{4}|[0-9]{2})' -%}
    {%- set names = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] -%}
    case
        when {{ matches(text, day_pattern() ~ '([T ].*)?') }} then substring({{ text }}, 1, 8) || '01'
        when {{ matches(text, year_first) }}
            then regexp_replace({{ text }}, '^{{ year_first }}$', '{{ captured(1) }}') || '-'
                || lpad(regexp_replace({{ text }}, '^{{ year_first }}$', '{{ captured(2) }}'), 2, '0') || '-01'
        when {{ matches(text, month_first) }}
            then regexp_replace({{ text }}, '^{{ month_first }}$', '{{ captured(2) }}') || '-'
                || lpad(regexp_replace({{ text }}, '^{{ month_first }}$', '{{ captured(1) }}'), 2, '0') || '-01'
        when {{ matches(text, month_name) }}
            and lower(substring({{ text }}, 1, 3)) in ('{{ names | join("', '") }}')
            then {{ "regexp_replace(regexp_replace(" ~ text ~ ", '^" ~ month_name ~ "$', '" ~ captured(2) ~ "'), '^([0-9]{2})$', '20" ~ captured(1) ~ "')" }}
                || case lower(substring({{ text }}, 1, 3))
                    {%- for name in names %} when '{{ name }}' then '-{{ '%02d' | format(loop.index) }}-01'{% endfor %}
                end
        else {{ text }}
    end
{%- endmacro %}

{#
    The rows of an object that has a column a month (meta `keeps_other_columns`), a row a month: the columns of
    source_rows(), `month` (its first day) and `amount` (the text under it), _part, and _left_out where a row has no
    month that is filled. Other columns are none of it. The body of a CTE.
#}
{% macro months_across(system, object) %}
    select
        entries.*,
        case when month is null then 'no_month_filled' end as _left_out,
        cast(row_number() over (partition by _file_id, _line order by month, label) as integer) as _part
    from (
        select
            labelled.*,
            case when is_month then {{ month_from('label') }} end as month,
            case when is_month then value end as amount,
            row_number() over (partition by _file_id, _line order by is_month desc, label) as label_number
        from (
            select named.*, {{ matches(month_from('label'), day_pattern()) }} as is_month
            from (
                {{ json_entries(source_rows(system, object), '_other_columns') }}
            ) as named
        ) as labelled
    ) as entries
    -- a row without any month stays, once
    where month is not null or label_number = 1
{% endmacro %}

{# The local day (in business_timezone) of an instant as instant() writes it. #}
{% macro day_of(text, zone='UTC') -%}
    {%- set written = instant(text, zone) -%}
    case
        when {{ matches(text, day_pattern()) }} then {{ text }}
        else coalesce(cast({{ local_date(instant_or_null(written)) }} as {{ text_type() }}), {{ text }})
    end
{%- endmacro %}

{#
    A number as the contract writes it, where the system writes it otherwise: `decimal` is its decimal sign, the other
    of comma and point (and blanks, apostrophes) group its digits. Signs of currencies around it are taken off.
    A text that does not group its digits by threes is passed on as it is.
#}
{% macro number_from(text, decimal='.') -%}
    {%- set group = ',' if decimal == '.' else '.' -%}
    {#- apostrophes group as well, and blanks that do not break count as others -#}
    {%- set apostrophe = dbt.string_literal(dbt.escape_single_quotes("'")) -%}
    {%- set plain = "replace(replace(replace(" ~ text ~ ", " ~ apostrophe ~ ", '" ~ group ~ "'), ' ', ' '), ' ', ' ')" -%}
    {%- set bare = replaced(plain, '^[^0-9.,+-]+|[^0-9.,]+$', '') -%}
    case
        when {{ matches(bare, '[+-]?([0-9]{1,3}([' ~ group ~ ' ][0-9]{3})+|[0-9]+)([' ~ decimal ~ '][0-9]+)?') }}
            then replace({{ replaced(bare, '[' ~ group ~ ' ]', '') }}, '{{ decimal }}', '.')
        else {{ text }}
    end
{%- endmacro %}

{# An amount in a currency's minor unit (cents, whole yen, thousandths of a dinar; seed currencies) as the contract's. #}
{% macro from_minor_units(amount, minor_unit_digits) -%}
    case
        when {{ matches(amount, '[+-]?[0-9]+([.][0-9]+)?') }}
            then cast(
                {{ cast_or_null(amount, 'decimal(26, 8)') }} * cast(
                    case coalesce({{ minor_unit_digits }}, 2)
                        when 0 then 1 when 1 then 0.1 when 3 then 0.001 when 4 then 0.0001 else 0.01
                    end as decimal(5, 4)
                ) as {{ text_type() }}
            )
        else {{ amount }}
    end
{%- endmacro %}

{# A share written in percent (65) as the contract's (0.65). #}
{% macro from_percent(text) -%}
    case
        when {{ matches(text, '[0-9]+([.][0-9]+)?') }}
            then cast({{ cast_or_null(text, 'decimal(12, 6)') }} * cast('0.01' as decimal(3, 2)) as {{ text_type() }})
        else {{ text }}
    end
{%- endmacro %}

{# A system's own value as ours, by a list; what is not on it is passed on as it is. Case and blanks do not count. #}
{% macro value_of(text, list) -%}
    case lower({{ text }})
        {%- for theirs, ours in list.items() %}
        when '{{ theirs | lower | replace("'", "''") }}' then '{{ ours }}'
        {%- endfor %}
        else {{ text }}
    end
{%- endmacro %}

{# The objects that the rows of a contract table (`system.table`) are made of: meta `rows_of` of its models. #}
{% macro objects_that_fill(brings) %}
    {% set labels = [] %}
    {% for model in source_models(brings) %}
        {% for object in model_node(model).config.meta.get('rows_of', []) %}
            {% do labels.append(model.split('__')[0] ~ '.' ~ object) %}
        {% endfor %}
    {% endfor %}
    {{ return(labels | unique | list) }}
{% endmacro %}

{# The objects of the systems that landed, as [{system, name, columns}]: var source_objects. #}
{% macro enabled_objects() %}
    {{ return(var('source_objects') or []) }}
{% endmacro %}

{# The system of a key as system_key() makes it; of a key of the contract's own files ''. #}
{% macro system_of(key) -%}
    case when {{ key }} like '%:%' then split_part({{ key }}, ':', 1) else '' end
{%- endmacro %}

{# The account that stands for another, or itself; beside a left join of account_links() under the alias. #}
{% macro account_standing_for(account_id, links='account_links') -%}
    coalesce({{ links }}.linked_account_id, {{ account_id }})
{%- endmacro %}

{# Whether a system's or a table's files write 1.234,50 for 1234.50: var decimal_comma_in. #}
{% macro has_decimal_comma(system, table) %}
    {%- set listed = [] -%}
    {%- for name in (var('decimal_comma_in') or '').split(',') %}{% do listed.append(name | trim) %}{% endfor -%}
    {{ return(system in listed or (system ~ '.' ~ table) in listed) }}
{% endmacro %}

{#
    A number of a spreadsheet, by var decimal_comma_in. Where nothing is said there, one that can be read two ways (1.234)
    is made one that cannot be read at all, so that it is set aside and somebody says which it is.
#}
{% macro spreadsheet_number(text, system, table) -%}
    {%- if has_decimal_comma(system, table) -%}
    {{ number_from(text, ',') }}
    {%- else -%}
    case
        when {{ matches(text, '[^0-9]*[1-9][0-9]{0,2}[.,][0-9]{3}[^0-9]*') }}
            then {{ text }} || ' (thousands or decimals? set decimal_comma_in)'
        else {{ number_from(text, '.') }}
    end
    {%- endif -%}
{%- endmacro %}
