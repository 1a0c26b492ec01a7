-- what subscriptions are from when on: their versions, and changes of price and discounts in between
with

history as (
    {{ source_rows('stripe', 'subscription_history') }}
),

snapshots as (
    {{ source_rows('stripe', 'subscription') }}
),

exports as (
    {{ source_rows('stripe', 'subscriptions_export') }}
),

versions as (
    select
        object_name, _file_id, _line, subscription_id, customer_id, customer_email, holds_from, is_newest,
        -- one that is left out has no state of its own
        case when left_out is null then holds_from end as counts_from
    from {{ ref('stripe__subscription_versions') }}
),

states as (
    select
        subscription_id, moment, said_by, _file_id, _line, _part, state, plan, quantity, unit_amount, currency,
        billing_interval, interval_count, is_change
    from {{ ref('stripe__subscription_states') }}
),

links as (
    select account_id, linked_account_id from {{ ref('account_links') }}
),

account_emails as (
    select email, account_id from {{ ref('account_emails') }}
),

customers as (
    {{ current_rows('stripe', 'customer') }}
),

-- every row of the three, whatever becomes of it
rows_of_versions as (
    select
        'subscription_history' as object_name, _file_id, _line, id, status, customer_id,
        cast(null as {{ text_type() }}) as customer_email,
        -- a history that does not say from when its versions hold: the one that still does counts
        case
            when valid_from is not null then valid_from
            when _is_current then 'now'
            else 'file ' || cast(_file_id as {{ text_type() }}) || ' line ' || cast(_line as {{ text_type() }})
        end as version_name,
        case when valid_from is null and not _is_current then 'older_version' else {{ subscription_left_out() }} end
            as left_out,
        {{ subscription_state('lower(status)', 'pause_collection_behavior is not null') }} as state,
        coalesce(valid_from, start_date, created) as dated,
        cast(null as {{ text_type() }}) as unread_quantity,
        cast(null as {{ text_type() }}) as unread_amount,
        synced_at
    from history
    union all
    select
        'subscription' as object_name, _file_id, _line, id, status, customer_id,
        cast(null as {{ text_type() }}) as customer_email,
        'subscription' as version_name,
        {{ subscription_left_out() }} as left_out,
        {{ subscription_state('lower(status)', 'pause_collection_behavior is not null') }} as state,
        coalesce(start_date, created) as dated,
        cast(null as {{ text_type() }}) as unread_quantity,
        cast(null as {{ text_type() }}) as unread_amount,
        synced_at
    from snapshots
    union all
    select
        'subscriptions_export' as object_name, _file_id, _line, id, status, customer_id, customer_email,
        'export' as version_name,
        case when lower(status) in ('incomplete', 'incomplete_expired') then lower(status) end as left_out,
        {{ subscription_state('lower(status)', 'false') }} as state,
        coalesce(start_date_utc, created_utc) as dated,
        case when {{ cast_or_null('quantity', quantity_type()) }} is null then quantity end as unread_quantity,
        case when {{ cast_or_null(exported_amount('amount'), amount_type()) }} is null then amount end as unread_amount,
        cast(null as {{ text_type() }}) as synced_at
    from exports
),

-- where a table has the subscription, its export is not needed, nor the present state where there is its history
kinds as (
    select subscription_id, min(object_name) as object_name from versions
    group by subscription_id
),

version_changes as (
    select
        rows_of_versions._file_id,
        rows_of_versions._line,
        1 as _part,
        case
            when rows_of_versions.id is null then null
            when kinds.object_name <> rows_of_versions.object_name then 'replicated'
            else rows_of_versions.left_out
        end as _left_out,
        rows_of_versions.id,
        rows_of_versions.id || '/' || rows_of_versions.version_name as change_name,
        {{ id_in('rows_of_versions.customer_id') }} as customer_id,
        lower(rows_of_versions.customer_email) as customer_email,
        coalesce({{ instant_text('versions.holds_from') }}, {{ instant('rows_of_versions.dated') }}) as changed_at,
        coalesce(states.state, rows_of_versions.state) as state,
        states.plan,
        coalesce(rows_of_versions.unread_quantity, cast(states.quantity as {{ text_type() }})) as quantity,
        coalesce(rows_of_versions.unread_amount, cast(states.unit_amount as {{ text_type() }})) as unit_amount,
        states.currency,
        states.billing_interval,
        states.interval_count,
        {{ instant('rows_of_versions.synced_at') }} as updated_at
    from rows_of_versions
    left join kinds on rows_of_versions.id = kinds.subscription_id
    left join versions
        on rows_of_versions._file_id = versions._file_id
        and rows_of_versions._line = versions._line
        and rows_of_versions.object_name = versions.object_name
    left join states
        on versions.subscription_id = states.subscription_id and versions.counts_from = states.moment
),

-- what was before the first version, new prices, and discounts that begin or end
other_changes as (
    select
        states._file_id,
        states._line,
        states._part,
        cast(null as {{ text_type() }}) as _left_out,
        states.subscription_id as id,
        states.subscription_id || '/' || {{ instant_text('states.moment') }} || '/' || states.said_by as change_name,
        versions.customer_id,
        versions.customer_email,
        {{ instant_text('states.moment') }} as changed_at,
        states.state,
        states.plan,
        cast(states.quantity as {{ text_type() }}) as quantity,
        cast(states.unit_amount as {{ text_type() }}) as unit_amount,
        states.currency,
        states.billing_interval,
        states.interval_count,
        cast(null as {{ text_type() }}) as updated_at
    from states
    inner join versions on states.subscription_id = versions.subscription_id and versions.is_newest
    where (states.said_by = 'version' and states._part > 1) or (states.said_by <> 'version' and states.is_change)
),

changes as (
    select
        _file_id, _line, _part, _left_out, id, change_name, customer_id, customer_email, changed_at, state, plan,
        quantity, unit_amount, currency, billing_interval, interval_count, updated_at
    from version_changes
    union all
    select
        _file_id, _line, _part, _left_out, id, change_name, customer_id, customer_email, changed_at, state, plan,
        quantity, unit_amount, currency, billing_interval, interval_count, updated_at
    from other_changes
)

select
    changes._file_id,
    changes._line,
    changes._part,
    changes._left_out,
    {{ system_key('stripe', 'changes.change_name') }} as subscription_change_id,
    {{ system_key('stripe', 'changes.id') }} as subscription_id,
    coalesce({{ account_of_customer('changes.customer_id') }}, account_emails.account_id) as account_id,
    changes.changed_at,
    changes.state as status,
    changes.plan,
    changes.quantity,
    changes.unit_amount,
    coalesce(changes.currency, upper(customers.currency)) as currency,
    changes.billing_interval,
    cast(changes.interval_count as {{ text_type() }}) as interval_count,
    changes.updated_at
from changes
left join links on {{ system_key('stripe', 'changes.customer_id') }} = links.account_id
left join account_emails on changes.customer_email = account_emails.email
left join customers on changes.customer_id = customers.id
