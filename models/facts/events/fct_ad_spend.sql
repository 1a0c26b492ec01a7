with

spend as (
    select spend_on, channel, campaign, amount, currency from {{ ref('stg_marketing__ad_spend') }}
    where spend_on <= {{ as_of_date() }}
)

select
    spend.spend_on,
    spend.channel,
    spend.campaign,
    {{ converted('spend.amount', 'rates.rate') }} as amount
from spend
{{ join_rate('spend.currency', 'spend.spend_on') }}
