with

leads as (
    select created_on, converted_on, is_converted, is_qualified, sales_rep_id, team, lead_source
    from {{ ref('fct_leads') }}
),

-- a lead counts in the period it was created in; its conversion also in the period it happened in
events as (
    select
        created_on as event_on, true as is_cohort, is_converted, is_qualified,
        sales_rep_id, team, lead_source
    from leads
    union all
    select
        converted_on as event_on, false as is_cohort, is_converted, is_qualified,
        sales_rep_id, team, lead_source
    from leads
    where is_converted
),

rolled as (
    {{ roll_up('events',
        cuts=['sales_rep', 'team', 'lead_source'],
        sums={
            'converted_leads': count_if('is_cohort and is_converted'),
            'leads': count_if('is_cohort'),
            'qualified_leads': count_if('is_cohort and is_qualified'),
            'conversions_in_period': count_if('not is_cohort'),
        },
        keep_if=count_if('is_cohort') ~ ' > 0',
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        converted_leads as numerator,
        leads as denominator,
        {{ ratio('converted_leads', 'leads') }} as metric_value,
        cast(qualified_leads as bigint) as qualified_leads,
        cast(conversions_in_period as bigint) as conversions_in_period
    from rolled
)

{{ kpi_mart('measured', 'lead_conversion_rate', extras=['qualified_leads', 'conversions_in_period']) }}
