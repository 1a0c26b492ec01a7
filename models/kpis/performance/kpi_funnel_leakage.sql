with

changes as (
    select
        deal_id, changed_on, previous_stage, previous_stage_order, stage_order, is_won, is_lost
    from {{ ref('fct_deal_stage_changes') }}
    -- an exit leaves an open stage that is known, for another one
    where previous_stage is not null and not was_closed and stage <> previous_stage
),

deals as (
    select deal_id, amount, sales_rep_id, lead_source from {{ ref('fct_deals') }}
),

exits as (
    select
        changes.changed_on as event_on,
        changes.previous_stage as stage,
        {{ known('deals.sales_rep_id') }} as sales_rep_id,
        {{ known('deals.lead_source') }} as lead_source,
        changes.is_lost,
        not changes.is_lost and (changes.is_won or changes.stage_order > changes.previous_stage_order) as is_advanced,
        not changes.is_lost
        and not changes.is_won
        and changes.stage_order < changes.previous_stage_order as is_returned,
        coalesce(deals.amount, 0) as amount
    from changes
    left join deals on changes.deal_id = deals.deal_id
),

rolled as (
    {{ roll_up('exits',
        cuts=['stage', 'sales_rep', 'lead_source'],
        sums={
            'exits_lost': count_if('is_lost'),
            'exits': 'count(*)',
            'exits_advanced': count_if('is_advanced'),
            'exits_returned': count_if('is_returned'),
            'amount_lost': sum_if('amount', 'is_lost'),
        },
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        exits_lost as numerator,
        exits as denominator,
        {{ ratio('exits_lost', 'exits') }} as metric_value,
        cast(exits_advanced as bigint) as exits_advanced,
        cast(exits_returned as bigint) as exits_returned,
        cast(amount_lost as {{ money() }}) as amount_lost
    from rolled
)

{{ kpi_mart('measured', 'funnel_leakage', extras=['exits_advanced', 'exits_returned', 'amount_lost']) }}
