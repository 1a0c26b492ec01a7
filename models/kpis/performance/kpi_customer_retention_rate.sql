with

customers as (
    select period_grain, period_start, is_active_at_end, region, segment, lead_source
    from {{ ref('fct_customer_periods') }}
    where is_active_before
),

rolled as (
    {{ roll_up('customers',
        cuts=['region', 'segment', 'lead_source'],
        sums={'retained': count_if('is_active_at_end'), 'active_before': 'count(*)'},
        dated_by=none,
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        retained as numerator,
        active_before as denominator,
        {{ ratio('retained', 'active_before') }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'customer_retention_rate') }}
