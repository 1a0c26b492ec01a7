with

engagements as (
    select
        engaged_on as event_on,
        likes + comments + shares + direct_messages as engagements,
        impressions,
        sales_rep_id,
        team,
        platform
    from {{ ref('fct_social_engagements') }}
),

rolled as (
    {{ roll_up('engagements',
        cuts=['sales_rep', 'team', 'platform'],
        sums={
            'engagements': 'sum(engagements)',
            'engagements_with_impressions': sum_if('engagements', 'impressions is not null'),
            'impressions': 'sum(impressions)',
        },
    ) }}
),

-- what came without its impressions is in neither part of the rate
measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        engagements as numerator,
        engagements as metric_value,
        {{ ratio('engagements_with_impressions', 'impressions') }} as engagement_rate
    from rolled
)

{{ kpi_mart('measured', 'social_media_engagement', extras=['engagement_rate'], has_denominator=false) }}
