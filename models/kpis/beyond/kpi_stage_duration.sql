with

-- a stay ends with the change into another stage; changes into the stage the deal stands in do not restart it
stays as (
    select
        changed_on as event_on,
        previous_stage as stage,
        sales_rep_id,
        team,
        days_in_previous_stage as stay_days
    from {{ ref('fct_deal_stage_changes') }}
    where days_in_previous_stage is not null
),

rolled as (
    {{ roll_up('stays',
        cuts=['stage', 'sales_rep', 'team'],
        sums={'stay_days': 'sum(' ~ exact('stay_days') ~ ')', 'exits': 'count(*)'},
        stats={'median': percentile(0.5, 'stay_days'), 'p90': percentile(0.9, 'stay_days')},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        stay_days as numerator,
        exits as denominator,
        {{ ratio('stay_days', 'exits') }} as metric_value,
        median,
        p90
    from rolled
)

{{ kpi_mart('measured', 'stage_duration', extras=['median', 'p90']) }}
