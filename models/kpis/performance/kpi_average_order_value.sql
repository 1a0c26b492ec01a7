with

sales as (
    select sold_on as event_on, sale_id as fact_key, amount, sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_sales') }}
)

{{ kpi('average_order_value', 'sales',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source'],
    numerator='amount',
    denominator='1',
    fact='fct_sales',
) }}
