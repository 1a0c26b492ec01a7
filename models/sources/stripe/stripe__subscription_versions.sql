-- the versions of each subscription, in their order, with from when each holds: of subscription_history all, of
-- subscription and of the export the one there is
with

history as (
    {{ current_rows('stripe', 'subscription_history') }}
),

snapshots as (
    {{ current_rows('stripe', 'subscription') }}
),

exports as (
    {{ current_rows('stripe', 'subscriptions_export') }}
),

known_histories as (
    select id from history
    where id is not null
    group by id
),

known_snapshots as (
    select id from snapshots
    where id is not null
),

all_kinds as (
    select
        'subscription_history' as object_name,
        _file_id,
        _line,
        id,
        {{ id_in('customer_id') }} as customer_id,
        cast(null as {{ text_type() }}) as customer_email,
        lower(status) as status,
        pause_collection_behavior is not null as is_paused,
        {{ moment_of('valid_from') }} as valid_from,
        {{ moment_of('coalesce(start_date, created)') }} as begun_at,
        {{ moment_of('trial_start') }} as trial_start,
        {{ moment_of('trial_end') }} as trial_end,
        {{ moment_of(subscription_end()) }} as ended_at,
        {{ moment_of('current_period_start') }} as period_start,
        {{ subscription_left_out() }} as left_out,
        metadata
    from history
    where id is not null
    union all
    select
        'subscription' as object_name,
        snapshots._file_id,
        snapshots._line,
        snapshots.id,
        {{ id_in('customer_id') }} as customer_id,
        cast(null as {{ text_type() }}) as customer_email,
        lower(status) as status,
        pause_collection_behavior is not null as is_paused,
        cast(null as timestamp) as valid_from,
        {{ moment_of('coalesce(start_date, created)') }} as begun_at,
        {{ moment_of('trial_start') }} as trial_start,
        {{ moment_of('trial_end') }} as trial_end,
        {{ moment_of(subscription_end()) }} as ended_at,
        {{ moment_of('current_period_start') }} as period_start,
        {{ subscription_left_out() }} as left_out,
        metadata
    from snapshots
    left join known_histories on snapshots.id = known_histories.id
    where snapshots.id is not null and known_histories.id is null
    union all
    select
        'subscriptions_export' as object_name,
        exports._file_id,
        exports._line,
        exports.id,
        exports.customer_id,
        lower(exports.customer_email) as customer_email,
        lower(exports.status) as status,
        false as is_paused,
        cast(null as timestamp) as valid_from,
        {{ moment_of('coalesce(exports.start_date_utc, exports.created_utc)') }} as begun_at,
        {{ moment_of('exports.trial_start_utc') }} as trial_start,
        {{ moment_of('exports.trial_end_utc') }} as trial_end,
        {{ moment_of(exported_subscription_end('exports')) }} as ended_at,
        {{ moment_of('exports.current_period_start_utc') }} as period_start,
        case when lower(exports.status) in ('incomplete', 'incomplete_expired') then lower(exports.status) end
            as left_out,
        cast(null as {{ text_type() }}) as metadata
    from exports
    left join known_histories on exports.id = known_histories.id
    left join known_snapshots on exports.id = known_snapshots.id
    where exports.id is not null and known_histories.id is null and known_snapshots.id is null
),

-- the first version that is none of those without a payment says what was before it, too
numbered as (
    select
        object_name, _file_id, _line, id, customer_id, customer_email, status, is_paused, valid_from, begun_at,
        trial_start, trial_end, ended_at, period_start, left_out, metadata,
        {{ subscription_state('status', 'is_paused') }} as state,
        row_number() over (
            partition by id, case when left_out is null then 1 else 0 end order by valid_from, _file_id, _line
        ) as version_number,
        lag(status) over (
            partition by id, case when left_out is null then 1 else 0 end order by valid_from, _file_id, _line
        ) as previous_status
    from all_kinds
),

-- when what a version says began: events have their own time, and versions are written a while later
dated as (
    select
        object_name, _file_id, _line, id, customer_id, customer_email, status, valid_from, begun_at, trial_start,
        trial_end, left_out, metadata, state, version_number,
        case
            when status = 'canceled' then coalesce(ended_at, valid_from, period_start)
            when version_number = 1 and status = 'trialing' then coalesce(trial_start, begun_at)
            when version_number = 1 and state = 'active'
                then case when trial_start is not null then coalesce(trial_end, begun_at) else begun_at end
            when version_number = 1 then coalesce(valid_from, period_start, begun_at)
            when state = 'active' and previous_status = 'trialing' and trial_end <= valid_from then trial_end
            else valid_from
        end as held_from
    from numbered
),

-- no version begins before the one before it
in_order as (
    select
        object_name, _file_id, _line, id, customer_id, customer_email, status, valid_from, begun_at, trial_start,
        trial_end, left_out, metadata, state, version_number,
        max(held_from) over (
            partition by id, case when left_out is null then 1 else 0 end
            order by version_number
            rows between unbounded preceding and current row
        ) as holds_from
    from dated
)

select
    object_name,
    _file_id,
    _line,
    id as subscription_id,
    customer_id,
    customer_email,
    state,
    left_out,
    cast(version_number as bigint) as version_number,
    holds_from,
    -- what the first version says of the time before it
    case
        when version_number = 1 and left_out is null and state <> 'trialing' and trial_start < holds_from
            then trial_start
    end as was_trial_from,
    case
        when
            version_number = 1 and left_out is null and state not in ('trialing', 'active')
            and coalesce(trial_end, begun_at) < holds_from
            then coalesce(trial_end, begun_at)
    end as was_active_from,
    metadata,
    row_number() over (
        partition by id order by case when left_out is null then 1 else 0 end desc, version_number desc
    ) = 1 as is_newest
from in_order
