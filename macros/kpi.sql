{#
    What is the same for every KPI mart. A mart reads: events (which rows, which date, which measures), then
    roll_up() over periods and cuts, then kpi_mart() with the metric's value.
#}

{# The fact column that a cut groups by. #}
{% macro cut_column(cut) %}{{ return({'sales_rep': 'sales_rep_id'}.get(cut, cut)) }}{% endmacro %}

{#
    Rolls a relation up to every period and cut: the body of a CTE with period_grain, period_start, dimension,
    dimension_value and the measures. `all` has a row for every period; a cut has one where its member has rows.

    relation: CTE with a row per event, the cut columns (NULL: of no member), and either `dated_by` (a date) or, where
              dated_by is none, period_grain and period_start (balances: the rows are already per period).
    cuts:     names of the cuts beside `all`.
    sums:     {column: aggregate}, 0 where nothing happened.
    stats:    {column: aggregate}, NULL where nothing happened.
    grains:   the period grains the metric has.
    spine:    the dimension of periods that `all` is dense over.
    keep_if:  aggregate condition that a member's row must meet, where not every event counts for the metric itself.
#}
{% macro roll_up(relation, cuts, sums, stats={}, dated_by='event_on', grains=none, keep_if=none, spine='dim_periods') %}
    {%- set grains = grains or ['week', 'month', 'quarter', 'year'] %}
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
                else 'all'
            end as dimension,
            case
                {%- for cut in cuts %}
                when grouping(events.{{ cut_column(cut) }}) = 0 then events.{{ cut_column(cut) }}
                {%- endfor %}
                else 'all'
            end as dimension_value,
            {%- for name, aggregate in measures.items() %}
            {{ aggregate }} as {{ name }},
            {%- endfor %}
            {{ keep_if or 'true' }} as is_kept
        from {{ relation }} as events
        {%- if dated_by %}
        inner join {{ ref('dim_period_dates') }} as periods on events.{{ dated_by }} = periods.date_on
        {%- endif %}
        where {{ period }}.period_grain in ('{{ grains | join("', '") }}')
        group by grouping sets (
            ({{ period }}.period_grain, {{ period }}.period_start)
            {%- for cut in cuts %},
            ({{ period }}.period_grain, {{ period }}.period_start, events.{{ cut_column(cut) }})
            {%- endfor %}
        )
    )

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
    where periods.period_grain in ('{{ grains | join("', '") }}')

    union all

    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {%- for name in measures %}
        {{ 'coalesce(' ~ name ~ ', 0)' if name in sums else name }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from cells
    where dimension <> 'all' and dimension_value is not null and is_kept
{% endmacro %}

{# A division that is NULL on a zero or NULL denominator: never 0, never infinity. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as {{ double_type() }}) / nullif(cast({{ denominator }} as {{ double_type() }}), 0)
{%- endmacro %}

{# The mean of whole numbers or decimals, as a double: an engine's own avg() of decimals is one, cut to its scale. #}
{% macro mean(expression) -%}
    {{ ratio('sum(' ~ expression ~ ')', 'count(' ~ expression ~ ')') }}
{%- endmacro %}

{# A numerator or denominator as the marts carry it. Engines round a double's ties differently: first to ten decimals. #}
{% macro published(expression) -%}
    cast(cast({{ expression }} as decimal(38, 10)) as decimal(38, 6))
{%- endmacro %}

{# A duration to sum or to average: as a decimal, since the last digits of sums of doubles depend on the order of rows. #}
{% macro exact(expression) -%}
    cast({{ expression }} as decimal(28, 10))
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

{#
    The final select of a mart: the leading columns that all marts share, then the metric's own.

    measured:   CTE with period_grain, period_start, dimension, dimension_value, numerator, denominator (or none),
                metric_value and the extra columns.
    extras:     names of the extra columns, in order.
    value_type: 'double' (counts, rates, averages), or 'money' for sums of money, which stay exact decimals.
    targets:    CTE with period_grain, period_start, dimension, dimension_value, target_value; or none.
    target:     a constant target for every row; or none.
#}
{% macro kpi_mart(measured, metric_id, extras=[], value_type='double', targets=none, target=none, has_denominator=true, spine='dim_periods') %}
    {%- set type = money() if value_type == 'money' else double_type() %}
select
    cast('{{ metric_id }}' as {{ text_type() }}) as metric_id,
    measured.period_grain,
    measured.period_start,
    periods.period_end,
    periods.is_complete,
    measured.dimension,
    measured.dimension_value,
    coalesce(reps.rep_name, measured.dimension_value) as dimension_label,
    {{ published('measured.numerator') }} as numerator,
    {{ published('measured.denominator') if has_denominator else 'cast(null as decimal(38, 6))' }} as denominator,
    cast(measured.metric_value as {{ type }}) as metric_value,
    cast(prior_period.metric_value as {{ type }}) as prior_period_value,
    cast(prior_year.metric_value as {{ type }}) as prior_year_value,
    cast({{ 'targets.target_value' if targets else target if target is not none else 'null' }} as {{ type }}) as target_value
    {%- for extra in extras %},
    measured.{{ extra }}
    {%- endfor %}
from {{ measured }} as measured
inner join {{ ref(spine) }} as periods
    on measured.period_grain = periods.period_grain and measured.period_start = periods.period_start
{%- for name, column in [('prior_period', 'prior_period_start'), ('prior_year', 'prior_year_start')] %}
left join {{ measured }} as {{ name }}
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
{% endmacro %}

{# Targets of the months of each month, quarter and year: the body of a CTE for kpi_mart(targets=...). #}
{% macro revenue_targets() %}
    select
        periods.period_grain,
        periods.period_start,
        case when targets.scope = 'company' then 'all' else targets.scope end as dimension,
        targets.scope_value as dimension_value,
        sum(targets.amount) as target_value
    from {{ ref('fct_sales_targets') }} as targets
    inner join {{ ref('dim_period_dates') }} as periods on targets.target_month = periods.date_on
    where periods.period_grain in ('month', 'quarter', 'year')
    group by
        periods.period_grain,
        periods.period_start,
        case when targets.scope = 'company' then 'all' else targets.scope end,
        targets.scope_value
{% endmacro %}
