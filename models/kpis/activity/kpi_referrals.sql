with

-- a lead that somebody referred, or that at least says so
referred_leads as (
    select
        created_on as event_on, lead_id as fact_key, is_converted, sales_rep_id, team,
        {{ known('referrer_type') }} as referrer_type
    from {{ ref('fct_leads') }}
    where referrer_type is not null or lead_source = 'referral'
)

{{ kpi('referrals', 'referred_leads',
    cuts=['sales_rep', 'team', 'referrer_type'],
    numerator='1',
    fact='fct_leads',
    sums={'converted_referrals': count_if('is_converted')},
) }}
