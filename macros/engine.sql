{#
    Everything that only one engine knows, each dispatched by adapter. DuckDB and PostgreSQL share most of the defaults;
    what Spark says otherwise is beside them as spark__. tests/test_portable_sql.py renders every model for Spark.
#}

{# Types by name, where engines call them differently. #}
{% macro text_type() %}{{ return(adapter.dispatch('text_type')()) }}{% endmacro %}
{% macro default__text_type() %}varchar{% endmacro %}
{% macro spark__text_type() %}string{% endmacro %}

{% macro double_type() %}{{ return(adapter.dispatch('double_type')()) }}{% endmacro %}
{% macro default__double_type() %}double precision{% endmacro %}
{% macro spark__double_type() %}double{% endmacro %}

{# A name that may be a keyword, as a name. #}
{% macro quoted_name(name) %}{{ return(adapter.dispatch('quoted_name')(name)) }}{% endmacro %}
{% macro default__quoted_name(name) %}{{ return(adapter.quote(name)) }}{% endmacro %}
{% macro spark__quoted_name(name) %}{{ return('`' ~ name ~ '`') }}{% endmacro %}

{#
    Text without control characters and what is no character at all, which PostgreSQL, a workbook or XML cannot hold.
    Tabs and line ends stay.
#}
{% macro printable(expression) %}{{ return(adapter.dispatch('printable')(expression)) }}{% endmacro %}
{% macro default__printable(expression) -%}
    regexp_replace({{ expression }}, '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]+', '', 'g')
{%- endmacro %}
{% macro duckdb__printable(expression) -%}
    regexp_replace({{ expression }}, '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{fffe}\x{ffff}]+', '', 'g')
{%- endmacro %}
{% macro spark__printable(expression) -%}
    regexp_replace({{ expression }}, r'[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{fffe}\x{ffff}]+', '')
{%- endmacro %}

{# Text that can be shown, without white space at its ends; NULL where nothing is left. #}
{% macro trimmed(expression) %}{{ return(adapter.dispatch('trimmed')(expression)) }}{% endmacro %}
{% macro default__trimmed(expression) -%}
    nullif(regexp_replace({{ printable(expression) }}, '^[\s\u00a0\u3000]+|[\s\u00a0\u3000]+$', '', 'g'), '')
{%- endmacro %}
{% macro white_space() -%}
    {{ return(' \t\n\r\x0b\x0c\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000') }}
{%- endmacro %}
{# DuckDB's trim takes ten times as long as a pattern: a text of visible ASCII, from which nothing is taken, is not trimmed. #}
{% macro duckdb__trimmed(expression) -%}
    case
        when {{ matches(expression, '[!-~]([ -~]*[!-~])?') }} then {{ expression }}
        else nullif(trim({{ printable(expression) }}, '{{ white_space() }}'), '')
    end
{%- endmacro %}
{% macro spark__trimmed(expression) -%}
    nullif(trim(both '{{ white_space() }}' from {{ printable(expression) }}), '')
{%- endmacro %}

{# A text with every match of a regular expression replaced. #}
{% macro replaced(expression, pattern, replacement) %}{{ return(adapter.dispatch('replaced')(expression, pattern, replacement)) }}{% endmacro %}
{% macro default__replaced(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
{% macro spark__replaced(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{#
    A text to sort names and ids by as people count: every run of digits as a number of 60 digits, so that `t (2)` comes
    before `t (10)`. Of two that count alike (7 and 007) the smaller text is first: order by the text itself, too.
#}
{% macro natural_order(expression) %}{{ return(adapter.dispatch('natural_order')(expression)) }}{% endmacro %}
{% macro spark__natural_order(expression) -%}
    {%- set zeros = '0' * 60 -%}
    {{ replaced(replaced(expression, '([0-9]+)', zeros ~ captured(1)), '0*([0-9]{60})', captured(1)) }}
{%- endmacro %}
{# The same, in a twentieth of the time that DuckDB takes for a pattern with sixty places. #}
{% macro duckdb__natural_order(expression) -%}
    {%- set number = "right('" ~ '0' * 60 ~ "' || run, greatest(60, length(ltrim(run, '0'))))" -%}
    {%- set runs = "regexp_extract_all(" ~ expression ~ ", '[0-9]+|[^0-9]+')" -%}
    array_to_string(list_transform({{ runs }}, lambda run: case when run between '0' and '9~' then {{ number }} else run end), '')
{%- endmacro %}

{# The same of a file's name, without its ending: `t.csv` comes before `t (2).csv`, as browsers number downloads. #}
{% macro file_order(expression) -%}
    {{ natural_order(replaced(expression, '[.][^.]*$', '')) }}
{%- endmacro %}

{# A digest of a text, for comparison with digests of the same table alone: on DuckDB half as long as its hexadecimal text. #}
{% macro digest(expression) %}{{ return(adapter.dispatch('digest')(expression)) }}{% endmacro %}
{% macro spark__digest(expression) -%}
    md5({{ expression }})
{%- endmacro %}
{% macro duckdb__digest(expression) -%}
    md5_number({{ expression }})
{%- endmacro %}

{# Whether the whole text matches a regular expression; the pattern has no backslash and no quote. #}
{% macro matches(expression, pattern) %}{{ return(adapter.dispatch('matches')(expression, pattern)) }}{% endmacro %}
{% macro default__matches(expression, pattern) -%}
    {{ expression }} ~ '^({{ pattern }})$'
{%- endmacro %}
{% macro duckdb__matches(expression, pattern) -%}
    regexp_full_match({{ expression }}, '{{ pattern }}')
{%- endmacro %}
{% macro spark__matches(expression, pattern) -%}
    {{ expression }} rlike r'^({{ pattern }})\z'
{%- endmacro %}

{# What a group of a regular expression captured, in a replacement. #}
{% macro captured(group) %}{{ return(adapter.dispatch('captured')(group)) }}{% endmacro %}
{% macro default__captured(group) %}\{{ group }}{% endmacro %}
{% macro spark__captured(group) %}${{ group }}{% endmacro %}

{# A cast that gives NULL where the text does not fit the type. #}
{% macro cast_or_null(expression, type) %}{{ return(adapter.dispatch('cast_or_null')(expression, type)) }}{% endmacro %}
{% macro default__cast_or_null(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{# The text of a number as an amount in its own currency; NULL where it does not fit. #}
{% macro amount_or_null(text) %}{{ return(adapter.dispatch('amount_or_null')(text)) }}{% endmacro %}
{% macro default__amount_or_null(text) -%}
    {{ cast_or_null(text, amount_type()) }}
{%- endmacro %}
{# DuckDB takes microseconds to read a text as a decimal of more than 18 digits. #}
{% macro duckdb__amount_or_null(text) -%}
    case
        when {{ matches(text, '[+-]?[0-9]{1,11}([.][0-9]*)?') }}
            then cast({{ cast_or_null(text, 'decimal(18, 6)') }} as {{ amount_type() }})
        else {{ cast_or_null(text, amount_type()) }}
    end
{%- endmacro %}

{# A timestamp text with or without an offset, as a timestamp in UTC; NULL where there is no such instant. #}
{% macro instant_or_null(expression) %}{{ return(adapter.dispatch('instant_or_null')(expression)) }}{% endmacro %}
{% macro default__instant_or_null(expression) -%}
    cast(try_cast({{ expression }} as timestamptz) at time zone 'UTC' as timestamp)
{%- endmacro %}
{% macro spark__instant_or_null(expression) -%}
    try_cast({{ expression }} as timestamp)
{%- endmacro %}

{# A timestamp text without an offset, which is of a time zone, as a timestamp in UTC; NULL where there is no such instant. #}
{% macro zoned_instant_or_null(expression, timezone) %}{{ return(adapter.dispatch('zoned_instant_or_null')(expression, timezone)) }}{% endmacro %}
{% macro default__zoned_instant_or_null(expression, timezone) -%}
    {%- if timezone == 'UTC' -%}
    try_cast({{ expression }} as timestamp)
    {%- else -%}
    cast((try_cast({{ expression }} as timestamp) at time zone '{{ timezone }}') at time zone 'UTC' as timestamp)
    {%- endif -%}
{%- endmacro %}
{% macro spark__zoned_instant_or_null(expression, timezone) -%}
    cast(to_utc_timestamp(try_cast({{ expression }} as timestamp), '{{ timezone }}') as timestamp)
{%- endmacro %}

{# The timestamp in UTC of an epoch as text, in seconds (1), milliseconds (1000) or microseconds (1000000). #}
{% macro instant_of_epoch(text, units_a_second) %}{{ return(adapter.dispatch('instant_of_epoch')(text, units_a_second)) }}{% endmacro %}
{% macro whole_epoch(text, units_a_second) -%}
    {{ cast_or_null("regexp_replace(" ~ text ~ ", '[.].*$', '')", 'bigint') }} * {{ 1000000 // units_a_second }}
{%- endmacro %}
{% macro default__instant_of_epoch(text, units_a_second) -%}
    cast(to_timestamp(({{ whole_epoch(text, units_a_second) }}) / 1000000.0) at time zone 'UTC' as timestamp)
{%- endmacro %}
{% macro duckdb__instant_of_epoch(text, units_a_second) -%}
    make_timestamp({{ whole_epoch(text, units_a_second) }})
{%- endmacro %}
{% macro spark__instant_of_epoch(text, units_a_second) -%}
    timestamp_micros({{ whole_epoch(text, units_a_second) }})
{%- endmacro %}

{# A timestamp in UTC as the text that the source contract has for it. #}
{% macro instant_text(expression) -%}
    replace(cast({{ expression }} as {{ text_type() }}), ' ', 'T') || 'Z'
{%- endmacro %}

{# The local time in the business's time zone of a timestamp in UTC. #}
{% macro local_timestamp(expression) %}{{ return(adapter.dispatch('local_timestamp')(expression)) }}{% endmacro %}
{% macro default__local_timestamp(expression) -%}
    cast(({{ expression }} at time zone 'UTC') at time zone '{{ var("business_timezone") }}' as timestamp)
{%- endmacro %}
{% macro spark__local_timestamp(expression) -%}
    from_utc_timestamp({{ expression }}, '{{ var("business_timezone") }}')
{%- endmacro %}

{# The local date in the business's time zone of a timestamp in UTC. #}
{% macro local_date(expression) -%}
    cast({{ expression if var('business_timezone') == 'UTC' else local_timestamp(expression) }} as date)
{%- endmacro %}

{# Seconds between two timestamps, fractions kept, as a double. #}
{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between')(earlier, later)) }}{% endmacro %}
{% macro default__seconds_between(earlier, later) -%}
    cast(extract(epoch from ({{ later }} - {{ earlier }})) as {{ double_type() }})
{%- endmacro %}
{% macro duckdb__seconds_between(earlier, later) -%}
    (date_diff('microsecond', {{ earlier }}, {{ later }}) / cast(1000000 as {{ double_type() }}))
{%- endmacro %}
{% macro spark__seconds_between(earlier, later) -%}
    ((unix_micros({{ later }}) - unix_micros({{ earlier }})) / cast(1000000 as {{ double_type() }}))
{%- endmacro %}

{# Days between two dates, a whole number. #}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between')(earlier, later)) }}{% endmacro %}
{% macro default__days_between(earlier, later) -%}
    (cast({{ later }} as date) - cast({{ earlier }} as date))
{%- endmacro %}
{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{# Months from the month of one date to that of another, a whole number. #}
{% macro months_between(earlier, later) -%}
    ((extract(year from {{ later }}) - extract(year from {{ earlier }})) * 12
    + extract(month from {{ later }}) - extract(month from {{ earlier }}))
{%- endmacro %}

{# A date a number of days later (or earlier). #}
{% macro days_after(expression, days) %}{{ return(adapter.dispatch('days_after')(expression, days)) }}{% endmacro %}
{% macro default__days_after(expression, days) -%}
    cast({{ expression }} + {{ days }} as date)
{%- endmacro %}
{% macro spark__days_after(expression, days) -%}
    date_add({{ expression }}, cast({{ days }} as integer))
{%- endmacro %}

{# A date a number of months later; the last day of the month where the day does not exist there. #}
{% macro months_after(expression, months) %}{{ return(adapter.dispatch('months_after')(expression, months)) }}{% endmacro %}
{% macro default__months_after(expression, months) -%}
    cast({{ expression }} + ({{ months }}) * interval '1' month as date)
{%- endmacro %}

{# The timestamp of a time of day (a column of type time; Spark keeps it as text) on a date. #}
{% macro at_clock(date, clock) %}{{ return(adapter.dispatch('at_clock')(date, clock)) }}{% endmacro %}
{% macro default__at_clock(date, clock) -%}
    ({{ date }} + {{ clock }})
{%- endmacro %}
{% macro spark__at_clock(date, clock) -%}
    cast(concat(cast({{ date }} as string), ' ', {{ clock }}) as timestamp)
{%- endmacro %}

{# 1 for Monday to 7 for Sunday. #}
{% macro iso_weekday(expression) %}{{ return(adapter.dispatch('iso_weekday')(expression)) }}{% endmacro %}
{% macro default__iso_weekday(expression) -%}
    cast(extract(isodow from {{ expression }}) as integer)
{%- endmacro %}
{% macro spark__iso_weekday(expression) -%}
    (weekday({{ expression }}) + 1)
{%- endmacro %}

{# The whole numbers from 1 to a count, as column whole_number: the body of a CTE. #}
{% macro whole_numbers(count) %}{{ return(adapter.dispatch('whole_numbers')(count)) }}{% endmacro %}
{% macro default__whole_numbers(count) %}
    select cast(series.generated_number as integer) as whole_number from ({{ dbt.generate_series(count) }}) as series
{% endmacro %}
{% macro duckdb__whole_numbers(count) -%}
    select cast(unnest(range(1, {{ count + 1 }})) as integer) as whole_number
{%- endmacro %}
{% macro spark__whole_numbers(count) -%}
    select explode(sequence(1, {{ count }})) as whole_number
{%- endmacro %}

{#
    A numerator or denominator with the six decimals that the marts carry. Where it is a double, DuckDB rounds what a
    million times it is; Spark would round its digits, and so the last one otherwise.
#}
{% macro published(expression) %}{{ return(adapter.dispatch('published')(expression)) }}{% endmacro %}
{% macro default__published(expression) -%}
    cast({{ expression }} as decimal(38, 6))
{%- endmacro %}
{% macro spark__published(expression) -%}
    case
        when typeof({{ expression }}) = 'double'
            then cast(round(rint(cast({{ expression }} as double) * 1000000) / 1000000, 6) as decimal(38, 6))
        else cast(cast({{ expression }} as decimal(38, 10)) as decimal(38, 6))
    end
{%- endmacro %}

{# The texts of a group as one, in their order, with commas between. #}
{% macro texts_together(expression) %}{{ return(adapter.dispatch('texts_together')(expression)) }}{% endmacro %}
{% macro default__texts_together(expression) -%}
    string_agg({{ expression }}, ', ' order by {{ expression }})
{%- endmacro %}
{% macro spark__texts_together(expression) -%}
    concat_ws(', ', sort_array(collect_list({{ expression }})))
{%- endmacro %}

{# One row for each part of a comma-separated text; in a select list. #}
{% macro parts_of(expression) %}{{ return(adapter.dispatch('parts_of')(expression)) }}{% endmacro %}
{% macro default__parts_of(expression) -%}
    unnest(string_to_array({{ expression }}, ','))
{%- endmacro %}
{% macro spark__parts_of(expression) -%}
    explode(split({{ expression }}, ','))
{%- endmacro %}

{# The values of a raw row as one text, column names with them, for people to read. #}
{% macro row_text(relation, columns) %}{{ return(adapter.dispatch('row_text')(relation, columns)) }}{% endmacro %}
{% macro duckdb__row_text(relation, columns) -%}
    cast(json_object({% for column in columns %}'{{ column }}', {{ relation }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}
{% macro spark__row_text(relation, columns) -%}
    to_json(
        named_struct({% for column in columns %}'{{ column }}', {{ relation }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %}),
        map('ignoreNullFields', 'false')
    )
{%- endmacro %}

{#
    The rows of a subquery, a row for each entry of their JSON objects: their columns, `label` and `value`; a row without
    an entry once, with neither. The body of a subquery.
#}
{% macro json_entries(rows, json) %}{{ return(adapter.dispatch('json_entries')(rows, json)) }}{% endmacro %}
{% macro duckdb__json_entries(rows, json) %}
    select
        keyed.*,
        trim(key) as label,
        json_extract_string({{ json }}, '/' || replace(replace(key, '~', '~0'), '/', '~1')) as value
    from (
        select
            entries.*,
            unnest(case when len(json_keys({{ json }})) > 0 then json_keys({{ json }}) else cast([null] as varchar[]) end) as key
        from ({{ rows }}) as entries
    ) as keyed
{% endmacro %}
{% macro spark__json_entries(rows, json) %}
    select entries.*, trim(key) as label, cast(value as string) as value
    from ({{ rows }}) as entries
    lateral view outer explode(from_json({{ json }}, 'map<string, string>')) as key, value
{% endmacro %}

{# A whole number as text of a fixed width, zeros in front, so that it sorts. #}
{% macro padded(expression, width) -%}
    lpad(cast({{ expression }} as {{ text_type() }}), {{ width }}, '0')
{%- endmacro %}

{#
    Contracts and seeds on Spark. The YAML says varchar and time, which Spark keeps as strings. dbt's own way to load a
    seed there breaks at an apostrophe, and makes a text of NULL.
#}
{% macro spark_type(type) -%}
    {{ return('string' if type | lower in ('varchar', 'text', 'time') else 'double' if type | lower == 'double precision' else type) }}
{%- endmacro %}

{% macro spark__get_empty_schema_sql(columns) %}
    {%- set translated = {} %}
    {%- for key, column in columns.items() %}
        {%- do translated.update({key: dict(column, data_type=spark_type(column['data_type']))}) %}
    {%- endfor %}
    {{- return(default__get_empty_schema_sql(translated)) }}
{% endmacro %}

{% macro seed_types(model, agate_table) %}
    {%- set types = {} %}
    {%- for name in agate_table.column_names %}
        {%- set guessed = adapter.convert_type(agate_table, loop.index0) %}
        {%- do types.update({name: spark_type(model['config'].get('column_types', {}).get(name, guessed))}) %}
    {%- endfor %}
    {{ return(types) }}
{% endmacro %}

{% macro spark__create_csv_table(model, agate_table) %}
    {%- set statement_text %}
        create table {{ this }} (
            {%- for name, type in seed_types(model, agate_table).items() %}{{ name }} {{ type }}{{ ', ' if not loop.last }}{% endfor -%}
        )
        {{ file_format_clause() }}
    {%- endset %}
    {%- call statement('_') %}{{ statement_text }}{% endcall %}
    {{ return(statement_text) }}
{% endmacro %}

{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = seed_types(model, agate_table) %}
    {%- set statement_text %}
        insert into {{ this }} values
        {% for row in agate_table.rows -%}
        ({% for name, type in types.items() %}cast({{ spark_literal(row[name]) }} as {{ type }}){{ ', ' if not loop.last }}{% endfor %}){{ ',' if not loop.last }}
        {% endfor %}
    {%- endset %}
    {%- if agate_table.rows | length > 0 %}
        {%- call statement('_') %}{{ statement_text }}{% endcall %}
    {%- endif %}
    {{ return(statement_text) }}
{% endmacro %}

{% macro spark_literal(value) -%}
    {{ return('null' if value is none else "'" ~ (value | string | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'") }}
{%- endmacro %}
