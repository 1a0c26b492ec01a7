with

-- a deal without a duration (closed before it was created or first contacted) is out
won_deals as (
    select
        closed_on as event_on, deal_id as fact_key, sales_cycle_days, deal_age_days,
        sales_rep_id, team, region, segment, lead_source, deal_type
    from {{ ref('fct_deals') }}
    where is_won and sales_cycle_days is not null
)

{{ kpi('sales_cycle_length', 'won_deals',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
    numerator=exact('sales_cycle_days'),
    denominator='1',
    fact='fct_deals',
    stats={
        'median': percentile(0.5, 'sales_cycle_days'),
        'p90': percentile(0.9, 'sales_cycle_days'),
        'average_deal_age_days': ratio('sum(' ~ exact('deal_age_days') ~ ')', 'count(deal_age_days)'),
    },
) }}
