with

changes as (
    select
        deal_id, changed_on, previous_stage, previous_stage_order, stage_order, is_won, is_lost,
        {{ key_of('fct_deal_stage_changes') }} as fact_key
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
        changes.fact_key,
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
)

{{ kpi('funnel_leakage', 'exits',
    cuts=['stage', 'sales_rep', 'lead_source'],
    numerator=one_if('is_lost'),
    denominator='1',
    fact='fct_deal_stage_changes',
    sums={
        'exits_advanced': count_if('is_advanced'),
        'exits_returned': count_if('is_returned'),
        'amount_lost': sum_if('amount', 'is_lost'),
    },
) }}
