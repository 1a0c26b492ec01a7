with

-- a stay begins with the first change into a stage; changes into the stage the deal stands in do not restart it
entries as (
    select
        deal_id,
        stage,
        changed_at,
        changed_on,
        is_won or is_lost as is_closed_stage,
        row_number() over (partition by deal_id order by change_number) as entry_number
    from {{ ref('fct_deal_stage_changes') }}
    where previous_stage is null or stage <> previous_stage
),

deals as (
    select deal_id, sales_rep_id, team from {{ ref('fct_deals') }}
),

stays as (
    select
        left_by.changed_on as event_on,
        entries.stage,
        {{ known('deals.sales_rep_id') }} as sales_rep_id,
        {{ known('deals.team') }} as team,
        {{ seconds_between('entries.changed_at', 'left_by.changed_at') }} / 86400 as stay_days
    from entries
    inner join entries as left_by
        on entries.deal_id = left_by.deal_id and entries.entry_number + 1 = left_by.entry_number
    left join deals on entries.deal_id = deals.deal_id
    where not entries.is_closed_stage
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
