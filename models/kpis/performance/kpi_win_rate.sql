{%- set by_amount = var('win_rate_basis') == 'amount' -%}
with

closed_deals as (
    select
        closed_on as event_on, deal_id as fact_key, is_won, amount,
        sales_rep_id, team, region, segment, lead_source, deal_type
    from {{ ref('fct_deals') }}
    where is_closed
)

{{ kpi('win_rate', 'closed_deals',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
    numerator=amount_if('amount' if by_amount else '1', 'is_won'),
    denominator='amount' if by_amount else '1',
    fact='fct_deals',
    stats={'win_rate_by_amount': ratio(sum_if('amount', 'is_won'), 'sum(amount)')},
) }}
