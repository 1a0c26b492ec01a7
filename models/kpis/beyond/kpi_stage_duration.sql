with

-- a stay ends with the change into another stage; changes into the stage the deal stands in do not restart it
stays as (
    select
        changed_on as event_on, {{ key_of('fct_deal_stage_changes') }} as fact_key, previous_stage as stage,
        days_in_previous_stage as stay_days, sales_rep_id, team
    from {{ ref('fct_deal_stage_changes') }}
    where days_in_previous_stage is not null
)

{{ kpi('stage_duration', 'stays',
    cuts=['stage', 'sales_rep', 'team'],
    numerator=exact('stay_days'),
    denominator='1',
    fact='fct_deal_stage_changes',
    stats={'median': percentile(0.5, 'stay_days'), 'p90': percentile(0.9, 'stay_days')},
) }}
