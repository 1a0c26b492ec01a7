-- what each change of a subscription makes its monthly recurring revenue; of changes at the same instant the one with
-- the greatest id holds
with

changes as (
    select
        subscription_change_id,
        subscription_id,
        account_id,
        changed_at,
        {{ local_date('changed_at') }} as changed_on,
        status,
        plan,
        currency,
        coalesce(quantity, 1) as quantity,
        coalesce(unit_amount, 0) as unit_amount,
        coalesce(billing_interval, 'month') as billing_interval,
        coalesce(interval_count, 1) as interval_count,
        row_number() over (
            partition by subscription_id, changed_at
            order by {{ natural_order('subscription_change_id') }} desc, subscription_change_id desc
        ) as instant_rank
    from {{ ref('stg_billing__subscription_changes') }}
    where {{ local_date('changed_at') }} <= {{ as_of_date() }}
),

-- a week is 12/52 of a month, a day 12/365
monthly as (
    select
        subscription_change_id,
        subscription_id,
        account_id,
        changed_at,
        changed_on,
        status,
        plan,
        currency,
        case
            -- a credit note is no recurring revenue
            when {{ money_product('quantity', 'unit_amount') }} < 0 then 0
            when status not in ('active'{{ ", 'paused'" if var('paused_subscriptions') == 'included' }}) then 0
            else
                cast({{ money_product('quantity', 'unit_amount') }} as {{ double_type() }})
                * case billing_interval when 'week' then 52 when 'day' then 365 else 1 end
                / (
                    case billing_interval
                        when 'day' then 12 when 'week' then 12 when 'quarter' then 3 when 'year' then 12 else 1
                    end
                    * interval_count
                )
        end as native_mrr
    from changes
    where instant_rank = 1
)

select
    monthly.subscription_change_id,
    monthly.subscription_id,
    monthly.account_id,
    monthly.changed_at,
    monthly.changed_on,
    monthly.status,
    monthly.plan,
    monthly.currency,
    monthly.native_mrr,
    cast(coalesce(rates.rate, cast(1 as {{ rate_type() }})) as {{ double_type() }}) as fx_rate,
    {{ converted_quotient('monthly.native_mrr', 'rates.rate') }} as mrr
from monthly
{{ join_rate('monthly.currency', 'monthly.changed_on') }}
