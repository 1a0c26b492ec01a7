{#
    What is the same for every KPI mart. A mart names its rows, and kpi() makes the rest: the rows behind the metric
    (drill.sql), roll_up() over all periods and cuts at once, the value, and kpi_mart() with labels, prior values and
    targets. A metric made of other metrics writes its `measured` CTE itself and ends with kpi_mart().
    Arguments: _macros.yml. docs/extending.md shows how to add a metric.
#}

{# A whole mart behind its CTEs: the definition of one metric. #}
{% macro kpi(
    metric_id, rows, cuts, numerator, denominator=none, fact=none, numerator_per=none, denominator_per=none, numerator_type=none, denominator_type=none, value=none,
    sums={}, stats={}, parts={}, derived={},
    dated_by='event_on', grains=none, spine='dim_periods', in_all=none, keep_if=none, targets=none, target=none, drill=none,
    is_compared=true
) %}
    {%- set measures = dict({'numerator': 'sum(' ~ numerator ~ ')'}, **parts) %}
    {%- if denominator %}{% do measures.update({'denominator': 'sum(' ~ denominator ~ ')'}) %}{% endif %}
    {%- do measures.update(sums) %}
    {%- set total = 'cast(numerator as ' ~ numerator_type ~ ')' if numerator_type else 'numerator' %}
    {%- set top = ratio(total, numerator_per) if numerator_per else total %}
    {%- set base = 'cast(denominator as ' ~ denominator_type ~ ')' if denominator_type else 'denominator' %}
    {%- set bottom = ratio(base, denominator_per) if denominator_per else base %}
    {%- set extras = sums.keys() | list + stats.keys() | list + derived.keys() | list %}
,

{{ rows_behind(
    metric_id, drill or rows, cuts,
    'numerator' if drill else in_units(numerator, numerator_per),
    ('denominator' if drill else in_units(denominator, denominator_per)) if denominator else none,
    fact, dated_by, in_all,
) }},

rolled as (
    {{ roll_up(rows, cuts, measures, stats, dated_by, grains, keep_if, spine, in_all, is_compared) }}
),

measured as (
    select
        rolled.period_grain,
        rolled.period_start,
        rolled.dimension,
        rolled.dimension_value,
        {{ top }} as numerator,
        {%- if denominator %}
        {{ bottom }} as denominator,
        {%- endif %}
        {{ value or (ratio(top, bottom) if denominator else top) }} as metric_value
        {%- for name in sums.keys() | list + stats.keys() | list %},
        {{ name }}
        {%- endfor %}
        {%- for name, expression in derived.items() %},
        {{ expression }} as {{ name }}
        {%- endfor %}
    from rolled
    inner join {{ ref(spine) }} as periods
        on rolled.period_grain = periods.period_grain and rolled.period_start = periods.period_start
)

{{ kpi_mart(metric_id, extras=extras, targets=targets, target=target, has_denominator=denominator is not none, spine=spine) }}
{% endmacro %}

{# The fact column that a cut groups by. #}
{% macro cut_column(cut) %}{{ return({'sales_rep': 'sales_rep_id'}.get(cut, cut)) }}{% endmacro %}

{#
    Rolls a relation up to every period and cut: the body of a CTE with period_grain, period_start, dimension,
    dimension_value and the measures. `all` has a row for every period; a cut has one where its member has rows, or had
    some one period or one year before, so that the prior values of a cut add up to those of all.
#}
{% macro roll_up(relation, cuts, sums, stats={}, dated_by='event_on', grains=none, keep_if=none, spine='dim_periods', in_all=none, is_compared=true) %}
    {%- set grains = grains or period_grains() %}
    {%- set measures = dict(sums, **stats) %}
    {%- set period = 'periods' if dated_by else 'events' %}
    with cells as (
        select
            {{ period }}.period_grain,
            {{ period }}.period_start,
            case
                {%- for cut in cuts %}
                when grouping(events.{{ cut_column(cut) }}) = 0 then '{{ cut }}'
                {%- endfor %}
                when true then 'all'
            end as dimension,
            case
                {%- for cut in cuts %}
                when grouping(events.{{ cut_column(cut) }}) = 0 then events.{{ cut_column(cut) }}
                {%- endfor %}
                when true then 'all'
            end as dimension_value,
            {%- for name, aggregate in measures.items() %}
            {{ aggregate }} as {{ name }},
            {%- endfor %}
            {{ 'events.' ~ in_all if in_all else 'true' }} as is_in_all,
            {{ keep_if or 'true' }} as is_kept
        from {{ relation }} as events
        {%- if dated_by %}
        inner join {{ ref('dim_period_dates') }} as periods on events.{{ dated_by }} = periods.date_on
        {%- endif %}
        where {{ period }}.period_grain in ('{{ grains | join("', '") }}')
        group by grouping sets (
            ({{ period }}.period_grain, {{ period }}.period_start{{ ', events.' ~ in_all if in_all }})
            {%- for cut in cuts %},
            ({{ period }}.period_grain, {{ period }}.period_start, events.{{ cut_column(cut) }})
            {%- endfor %}
        )
    ){% if cuts %},

    kept as (
        select period_grain, period_start, dimension, dimension_value from cells
        where dimension <> 'all' and dimension_value is not null and is_kept
    ),

    members as (
        {{ with_later_periods('kept', spine) if is_compared else 'select period_grain, period_start, dimension, dimension_value from kept' }}
    ){% endif %}

    select
        periods.period_grain,
        periods.period_start,
        'all' as dimension,
        'all' as dimension_value,
        {%- for name in measures %}
        {{ 'coalesce(cells.' ~ name ~ ', 0)' if name in sums else 'cells.' ~ name }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref(spine) }} as periods
    left join cells
        on periods.period_grain = cells.period_grain
        and periods.period_start = cells.period_start
        and cells.dimension = 'all'
        and cells.is_in_all
    where periods.period_grain in ('{{ grains | join("', '") }}')
    {%- if cuts %}

    union all

    select
        members.period_grain,
        members.period_start,
        members.dimension,
        members.dimension_value,
        {%- for name in measures %}
        {{ 'coalesce(cells.' ~ name ~ ', 0)' if name in sums else 'cells.' ~ name }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from members
    left join cells
        on members.period_grain = cells.period_grain
        and members.period_start = cells.period_start
        and members.dimension = cells.dimension
        and members.dimension_value = cells.dimension_value
    {%- endif %}
{% endmacro %}

{# The cells of a CTE, and those one period and one year after them that the spine has: the body of a CTE of keys. #}
{% macro with_later_periods(cells, spine='dim_periods') %}
    select period_grain, period_start, dimension, dimension_value from {{ cells }}
    {%- for earlier in ['prior_period_start', 'prior_year_start'] %}
    union distinct
    select periods.period_grain, periods.period_start, cells.dimension, cells.dimension_value
    from {{ cells }} as cells
    inner join {{ ref(spine) }} as periods
        on cells.period_grain = periods.period_grain and cells.period_start = periods.{{ earlier }}
    {%- endfor %}
{% endmacro %}

{# Two CTEs of cells side by side: the body of a CTE with every cell that is in one of them, and both's columns. #}
{% macro side_by_side(first, first_columns, second, second_columns) %}
    select
        {%- for column in ['period_grain', 'period_start', 'dimension', 'dimension_value'] %}
        coalesce({{ first }}.{{ column }}, {{ second }}.{{ column }}) as {{ column }},
        {%- endfor %}
        {%- for column in first_columns %}
        {{ first }}.{{ column }},
        {%- endfor %}
        {%- for column in second_columns %}
        {{ second }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ first }}
    full outer join {{ second }}
        on {{ first }}.period_grain = {{ second }}.period_grain
        and {{ first }}.period_start = {{ second }}.period_start
        and {{ first }}.dimension = {{ second }}.dimension
        and {{ first }}.dimension_value = {{ second }}.dimension_value
{% endmacro %}

{# A division that is NULL on a zero or NULL denominator: never 0, never infinity. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as {{ double_type() }}) / nullif(cast({{ denominator }} as {{ double_type() }}), 0)
{%- endmacro %}

{# The mean of whole numbers or decimals, as a double: an engine's own avg() of decimals is one, cut to its scale. #}
{% macro mean(expression) -%}
    {{ ratio('sum(' ~ expression ~ ')', 'count(' ~ expression ~ ')') }}
{%- endmacro %}

{# A duration to sum or to average: as a decimal, since the last digits of sums of doubles depend on the order of rows. #}
{% macro exact(expression) -%}
    cast({{ expression }} as decimal(28, 10))
{%- endmacro %}

{# What a row adds where it meets a condition, else 0. #}
{% macro one_if(condition) -%}
    case when {{ condition }} then 1 else 0 end
{%- endmacro %}
{% macro amount_if(expression, condition) -%}
    case when {{ condition }} then {{ expression }} else 0 end
{%- endmacro %}

{# A measure over the rows that meet a condition. #}
{% macro sum_if(expression, condition) -%}
    coalesce(sum({{ expression }}) filter (where {{ condition }}), 0)
{%- endmacro %}
{% macro count_if(condition) -%}
    count(*) filter (where {{ condition }})
{%- endmacro %}

{# Continuous percentile; NULLs are left out. #}
{% macro percentile(share, expression) -%}
    percentile_cont({{ share }}) within group (order by {{ expression }})
{%- endmacro %}

{# Of a measure, the share that a row has in `all` of its period; for kpi(derived=...). #}
{% macro share_of_all(measure) -%}
    {{ ratio(
        measure,
        'max(case when dimension = \'all\' then ' ~ measure ~ ' end) over (partition by rolled.period_grain, rolled.period_start)',
    ) }}
{%- endmacro %}

{# An expression in the type that the mart's YAML declares for the column. A unit test knows no types and needs none. #}
{% macro as_declared(expression, column) -%}
    {%- set declared = (model.columns or {}).get(column) if execute else none -%}
    {{ 'cast(' ~ expression ~ ' as ' ~ declared.data_type ~ ')' if declared else expression }}
{%- endmacro %}

{# The final select of a mart: the leading columns that all marts share, then the metric's own. #}
{% macro kpi_mart(metric_id, extras=[], targets=none, target=none, has_denominator=true, spine='dim_periods') %}
select
    cast('{{ metric_id }}' as {{ text_type() }}) as metric_id,
    measured.period_grain,
    measured.period_start,
    periods.period_end,
    periods.is_complete,
    periods.period_label,
    measured.dimension,
    measured.dimension_value,
    coalesce(reps.rep_name, measured.dimension_value) as dimension_label,
    {{ published('measured.numerator') }} as numerator,
    {{ published('measured.denominator') if has_denominator else 'cast(null as decimal(38, 6))' }} as denominator,
    -- where something it needs never landed, the value is not known
    {%- for relation, column in [('measured', 'metric_value'), ('prior_period', 'prior_period_value'), ('prior_year', 'prior_year_value')] %}
    {{ as_declared('case when inputs.missing = 0 then ' ~ relation ~ '.metric_value end', column) }} as {{ column }},
    {%- endfor %}
    {{ as_declared(
        'targets.target_value' if targets else target if target is not none else 'null', 'target_value'
    ) }} as target_value
    {%- for extra in extras %},
    {{ as_declared('measured.' ~ extra, extra) }} as {{ extra }}
    {%- endfor %}
from measured
inner join {{ ref(spine) }} as periods
    on measured.period_grain = periods.period_grain and measured.period_start = periods.period_start
{%- for name, column in [('prior_period', 'prior_period_start'), ('prior_year', 'prior_year_start')] %}
left join measured as {{ name }}
    on measured.period_grain = {{ name }}.period_grain
    and periods.{{ column }} = {{ name }}.period_start
    and measured.dimension = {{ name }}.dimension
    and measured.dimension_value = {{ name }}.dimension_value
{%- endfor %}
{%- if targets %}
left join {{ targets }} as targets
    on measured.period_grain = targets.period_grain
    and measured.period_start = targets.period_start
    and measured.dimension = targets.dimension
    and measured.dimension_value = targets.dimension_value
{%- endif %}
left join (
    -- equal columns on both sides: a condition on one side alone would cost a nested loop
    select 'sales_rep' as dimension, sales_rep_id, rep_name from {{ ref('dim_sales_reps') }}
) as reps
    on measured.dimension = reps.dimension and measured.dimension_value = reps.sales_rep_id
cross join (
    select count(*) as missing from {{ ref('dim_missing_inputs') }}
    where metric_id = '{{ metric_id }}'
) as inputs
{% endmacro %}

{# Targets of the months of each period but weeks: the body of a CTE for kpi_mart(targets=...). #}
{% macro revenue_targets() %}
    select
        periods.period_grain,
        periods.period_start,
        case when targets.scope = 'company' then 'all' else targets.scope end as dimension,
        targets.scope_value as dimension_value,
        sum(targets.amount) as target_value
    from {{ ref('fct_sales_targets') }} as targets
    inner join {{ ref('dim_period_dates') }} as periods on targets.target_month = periods.date_on
    where periods.period_grain <> 'week'
    group by
        periods.period_grain,
        periods.period_start,
        case when targets.scope = 'company' then 'all' else targets.scope end,
        targets.scope_value
{% endmacro %}
