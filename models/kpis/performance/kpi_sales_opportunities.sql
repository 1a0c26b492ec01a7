with

deals as (
    select
        created_on as event_on, deal_id as fact_key, amount, probability, is_lead_qualified,
        sales_rep_id, created_team as team, created_region as region, created_segment as segment, lead_source,
        deal_type
    from {{ ref('fct_deals') }}
)

{{ kpi('sales_opportunities', 'deals',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
    numerator='1',
    fact='fct_deals',
    sums={'opportunity_amount': 'sum(amount)'},
    stats={
        'average_probability': mean('probability'),
        'qualified_share': ratio(count_if('is_lead_qualified'), 'count(*)'),
    },
) }}
