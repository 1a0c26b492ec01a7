with

won_deals as (
    select
        closed_on as event_on, deal_id as fact_key, has_amount, amount, sales_rep_id, team, region, segment,
        lead_source, deal_type
    from {{ ref('fct_deals') }}
    where is_won
)

{{ kpi('average_deal_size', 'won_deals',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
    numerator='amount',
    denominator='1',
    fact='fct_deals',
    stats={'median': percentile(0.5, 'case when has_amount then cast(amount as ' ~ double_type() ~ ') end')},
) }}
