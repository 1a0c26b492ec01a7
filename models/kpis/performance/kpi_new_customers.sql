with

customers as (
    select became_customer_on as event_on, sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_customers') }}
),

rolled as (
    {{ roll_up('customers',
        cuts=['region', 'segment', 'lead_source', 'sales_rep', 'team'],
        sums={'customers': 'count(*)'},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        customers as numerator,
        customers as metric_value
    from rolled
)

{{ kpi_mart('measured', 'new_customers', has_denominator=false) }}
