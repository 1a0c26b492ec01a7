with

lost_deals as (
    select closed_on as event_on, deal_id as fact_key, amount, {{ known('lost_reason') }} as lost_reason
    from {{ ref('fct_deals') }}
    where is_lost
)

{{ kpi('lost_reasons', 'lost_deals',
    cuts=['lost_reason'],
    numerator='1',
    fact='fct_deals',
    sums={'amount_lost': 'sum(amount)'},
    derived={'share': share_of_all('numerator')},
) }}
