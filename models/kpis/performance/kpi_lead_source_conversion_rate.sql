with

leads as (
    select
        lead_id, account_id, created_at, created_on, is_converted, converting_sale_id, lead_source
    from {{ ref('fct_leads') }}
),

sales as (
    select sale_id, amount from {{ ref('fct_sales') }}
),

-- a sale that converts several leads of its account is the earliest one's
ranked as (
    select
        lead_id,
        row_number() over (
            partition by converting_sale_id order by created_at, {{ natural_order('lead_id') }}, lead_id
        ) as lead_rank
    from leads
    where converting_sale_id is not null
),

events as (
    select
        leads.created_on as event_on, 'fct_leads' as fact, leads.lead_id as fact_key, 1 as leads,
        {{ one_if('leads.is_converted') }} as converted_leads,
        {{ amount_if('sales.amount', 'ranked.lead_rank = 1') }} as converted_revenue, 0 as ad_spend, leads.lead_source
    from leads
    left join ranked on leads.lead_id = ranked.lead_id
    left join sales on leads.converting_sale_id = sales.sale_id
    union all
    select
        spend_on as event_on, 'fct_ad_spend' as fact, {{ key_of('fct_ad_spend') }} as fact_key, 0 as leads,
        0 as converted_leads, 0 as converted_revenue, amount as ad_spend, channel as lead_source
    from {{ ref('fct_ad_spend') }}
)

{{ kpi('lead_source_conversion_rate', 'events',
    cuts=['lead_source'],
    numerator='converted_leads',
    denominator='leads',
    sums={'ad_spend': 'sum(ad_spend)', 'converted_revenue': 'sum(converted_revenue)'},
    stats={'cost_per_lead': ratio('sum(ad_spend)', 'sum(leads)')},
    derived={'lead_share': share_of_all('denominator')},
    keep_if='sum(leads) > 0',
) }}
