with

engagements as (
    select
        engaged_on as event_on, {{ key_of('fct_social_engagements') }} as fact_key,
        likes + comments + shares + direct_messages as engagements, impressions, sales_rep_id, team, platform
    from {{ ref('fct_social_engagements') }}
)

-- what came without its impressions is in neither part of the rate
{{ kpi('social_media_engagement', 'engagements',
    cuts=['sales_rep', 'team', 'platform'],
    numerator='engagements',
    fact='fct_social_engagements',
    stats={'engagement_rate': ratio(sum_if('engagements', 'impressions is not null'), 'sum(impressions)')},
) }}
