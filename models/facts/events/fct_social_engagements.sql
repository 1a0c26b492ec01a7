with

engagements as (
    select engaged_on, platform, rep_id, likes, comments, shares, direct_messages, impressions
    from {{ ref('stg_marketing__social_engagements') }}
    where engaged_on <= {{ as_of_date() }}
)

select
    engagements.engaged_on,
    engagements.platform,
    engagements.rep_id,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    coalesce(engagements.likes, 0) as likes,
    coalesce(engagements.comments, 0) as comments,
    coalesce(engagements.shares, 0) as shares,
    coalesce(engagements.direct_messages, 0) as direct_messages,
    engagements.impressions
from engagements
{{ join_rep('engagements.rep_id', 'engagements.engaged_on') }}
