with

customers as (
    select
        became_customer_on as event_on, account_id as fact_key, sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_customers') }}
)

{{ kpi('new_customers', 'customers',
    cuts=['region', 'segment', 'lead_source', 'sales_rep', 'team'], numerator='1', fact='fct_customers') }}
