with

changes as (
    select
        subscription_change_id, subscription_id, account_id, changed_at, changed_on, plan, currency,
        native_mrr, fx_rate, mrr
    from {{ ref('int_subscriptions__mrr') }}
)

select
    changes.subscription_change_id,
    changes.subscription_id,
    changes.account_id as subscriber_id,
    {{ known('accounts.account_id') }} as account_id,
    {{ known('accounts.region') }} as region,
    {{ known('accounts.segment') }} as segment,
    {{ known('accounts.lead_source') }} as lead_source,
    {{ known('changes.plan') }} as plan,
    changes.changed_at,
    changes.changed_on,
    coalesce(changes.currency, {{ reporting_currency() }}) as currency,
    changes.native_mrr,
    changes.fx_rate,
    changes.mrr
from changes
{{ join_account('changes.account_id', 'changes.changed_on') }}
