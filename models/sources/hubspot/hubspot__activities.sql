-- what reps do: calls, e-mails, meetings, notes and tasks
{%- set kinds = ['call', 'email', 'meeting', 'note', 'task'] %}
{%- set blank = 'cast(null as ' ~ text_type() ~ ')' %}
{%- set of_kind = {
    'call': {
        'own_kind': 'property_hs_activity_type', 'direction': 'property_hs_call_direction',
        'outcome': 'property_hs_call_status', 'minutes': minutes_of_milliseconds('property_hs_call_duration'),
    },
    'email': {'direction': 'property_hs_email_direction', 'outcome': 'property_hs_email_status'},
    'meeting': {
        'at': 'coalesce(property_hs_meeting_start_time, property_hs_timestamp)',
        'ends': instant('property_hs_meeting_end_time'), 'own_kind': 'property_hs_activity_type',
        'outcome': 'property_hs_meeting_outcome',
    },
    'note': {},
    'task': {
        'at': 'coalesce(property_hs_task_completion_date, property_hs_timestamp)', 'outcome': 'property_hs_task_status',
    },
} %}
with

{% for kind in kinds -%}
{{ kind }}s as (
    {{ source_rows('hubspot', 'engagement_' ~ kind) }}
),

{% endfor -%}
engagements as (
    {{ source_rows('hubspot', 'engagement') }}
),

engagement_deals as (
    {{ current_rows('hubspot', 'engagement_deal') }}
),

engagement_companies as (
    {{ current_rows('hubspot', 'engagement_company') }}
),

engagement_contacts as (
    {{ current_rows('hubspot', 'engagement_contact') }}
),

owners as (
    select named, rep_id from {{ ref('hubspot__owners') }}
),

accounts as (
    select company_id, account_id from {{ ref('hubspot__company_accounts') }}
),

merged as (
    select object, merged_id, into_id from {{ ref('hubspot__merged') }}
),

details as (
    {%- for kind in kinds %}
    select
        _file_id,
        _line,
        engagement_id,
        '{{ kind }}' as kind,
        {{ of_kind[kind].own_kind or blank }} as own_kind,
        {{ instant(of_kind[kind].at or 'property_hs_timestamp') }} as occurred_at,
        {{ of_kind[kind].ends or blank }} as ends_at,
        {{ instant('property_hs_createdate') }} as entered_at,
        {{ whole_number('property_hubspot_owner_id') }} as owner,
        upper({{ of_kind[kind].direction or blank }}) as direction,
        upper({{ of_kind[kind].outcome or blank }}) as outcome,
        coalesce(property_duration_minutes, {{ of_kind[kind].minutes or blank }}) as minutes,
        {{ first_id('companies') }} as company_id,
        {{ first_id('contacts') }} as contact_id,
        {{ first_id('deals') }} as deal_id,
        {{ instant('coalesce(property_hs_lastmodifieddate, _fivetran_start)') }} as updated_at,
        {{ is_gone() }} as is_gone
    from {{ kind }}s
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

detailed as (
    select engagement_id from details
    where engagement_id is not null
    group by engagement_id
),

-- older replications keep when and whose apart from what
common as (
    select
        _file_id,
        _line,
        _is_current,
        id as engagement_id,
        upper(type) as type,
        {{ instant('timestamp') }} as occurred_at,
        {{ whole_number('owner_id') }} as owner,
        {{ instant('created_at') }} as entered_at,
        {{ instant('last_updated') }} as updated_at,
        {{ is_set('is_deleted') }} or {{ is_set('_fivetran_deleted') }} or {{ is_false('active') }} as is_gone
    from engagements
),

current_common as (
    select engagement_id, occurred_at, owner, entered_at, updated_at, is_gone from common
    where _is_current and engagement_id is not null
),

records as (
    select
        details._file_id,
        details._line,
        details.engagement_id,
        details.kind,
        details.own_kind,
        coalesce(details.occurred_at, current_common.occurred_at) as occurred_at,
        details.ends_at,
        coalesce(details.entered_at, current_common.entered_at) as entered_at,
        coalesce(details.owner, current_common.owner) as owner,
        details.direction,
        details.outcome,
        details.minutes,
        details.company_id,
        details.contact_id,
        details.deal_id,
        coalesce(details.updated_at, current_common.updated_at) as updated_at,
        case when details.is_gone or coalesce(current_common.is_gone, false) then 'deleted' end as left_out
    from details
    left join current_common on details.engagement_id = current_common.engagement_id
    union all
    -- activities of which nothing else landed
    select
        common._file_id,
        common._line,
        -- what is told by its details gives its key to them
        case
            when detailed.engagement_id is null then common.engagement_id
            else 'engagement-' || common.engagement_id
        end as engagement_id,
        case
            when common.type in ('EMAIL', 'INCOMING_EMAIL', 'FORWARDED_EMAIL') then 'email'
            when common.type in ('CALL', 'MEETING', 'NOTE', 'TASK') then lower(common.type)
            else 'other'
        end as kind,
        {{ blank }} as own_kind,
        common.occurred_at,
        {{ blank }} as ends_at,
        common.entered_at,
        common.owner,
        case when common.type = 'INCOMING_EMAIL' then common.type end as direction,
        {{ blank }} as outcome,
        {{ blank }} as minutes,
        {{ blank }} as company_id,
        {{ blank }} as contact_id,
        {{ blank }} as deal_id,
        common.updated_at,
        case
            when detailed.engagement_id is not null then 'told_by_its_details'
            when common.is_gone then 'deleted'
        end as left_out
    from common
    left join detailed on common.engagement_id = detailed.engagement_id
),

-- whom an activity is about: of several the oldest
about as (
    {%- for object in ['deal', 'company', 'contact'] %}
    select
        associations.engagement_id,
        '{{ object }}' as object,
        coalesce(merged.into_id, {{ whole_number('associations.' ~ object ~ '_id') }}) as about_id,
        row_number() over (
            partition by associations.engagement_id
            order by {{ natural_order('associations.' ~ object ~ '_id') }}, associations.{{ object }}_id
        ) as about_number
    from engagement_{{ 'companies' if object == 'company' else object ~ 's' }} as associations
    left join merged
        on {{ whole_number('associations.' ~ object ~ '_id') }} = merged.merged_id and merged.object = '{{ object }}'
    where not {{ is_set('associations._fivetran_deleted') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

about_deals as (
    select engagement_id, about_id as deal_id from about
    where object = 'deal' and about_number = 1
),

about_companies as (
    select engagement_id, about_id as company_id from about
    where object = 'company' and about_number = 1
),

about_contacts as (
    select engagement_id, about_id as contact_id from about
    where object = 'contact' and about_number = 1
),

-- a call or meeting of a kind of the company's own is what that kind is called
typed as (
    select
        records._file_id, records._line, records.engagement_id, records.kind, records.occurred_at, records.ends_at,
        records.entered_at, records.owner, records.direction, records.outcome, records.minutes, records.company_id,
        records.contact_id, records.deal_id, records.updated_at, records.left_out,
        case
            when records.kind in ('note', 'other') then 'other'
            when records.kind = 'task' then 'admin'
            when records.kind = 'email' then 'email'
            when {{ bare_name('records.own_kind') }} like '%demo%' then 'demo'
            when {{ bare_name('records.own_kind') }} like '%presentation%' then 'presentation'
            when {{ bare_name('records.own_kind') }} like '%proposal%' then 'proposal'
            when {{ bare_name('records.own_kind') }} like '%networking%' then 'networking_event'
            when {{ bare_name('records.own_kind') }} in ('admin', 'internal', 'internalmeeting') then 'admin'
            when {{ bare_name('records.own_kind') }} = 'other' then 'other'
            else records.kind
        end as activity_type
    from records
)

select
    typed._file_id,
    typed._line,
    1 as _part,
    case
        when typed.engagement_id is null then null
        when typed.left_out is not null then typed.left_out
        when typed.owner is null then 'without_owner'
    end as _left_out,
    {{ system_key('hubspot', 'typed.engagement_id') }} as activity_id,
    typed.activity_type,
    coalesce(owners.rep_id, {{ system_key('hubspot', 'typed.owner') }}) as rep_id,
    {{ system_key('hubspot', 'coalesce(about_contacts.contact_id, typed.contact_id)') }} as lead_id,
    {{ system_key('hubspot', 'coalesce(about_deals.deal_id, typed.deal_id)') }} as deal_id,
    coalesce(
        accounts.account_id, {{ system_key('hubspot', 'coalesce(about_companies.company_id, typed.company_id)') }}
    ) as account_id,
    typed.occurred_at,
    -- a meeting that was entered when it had begun was on no calendar
    case when typed.kind = 'meeting' and typed.entered_at <= typed.occurred_at then typed.entered_at end as booked_at,
    coalesce(
        typed.minutes,
        case
            when typed.ends_at >= typed.occurred_at
                then {{ minutes_between('typed.occurred_at', 'typed.ends_at') }}
        end
    ) as duration_minutes,
    case
        when typed.direction in ('INBOUND', 'INCOMING_EMAIL') then 'inbound'
        when typed.direction in ('OUTBOUND', 'EMAIL', 'FORWARDED_EMAIL') then 'outbound'
    end as direction,
    case
        when typed.kind = 'task' then case when typed.outcome = 'COMPLETED' then 'completed' else 'scheduled' end
        when typed.outcome in ('NO_SHOW', 'NO_ANSWER', 'BUSY', 'MISSED') then 'no_show'
        when typed.outcome in ('CANCELED', 'CANCELLED', 'RESCHEDULED', 'FAILED', 'BOUNCED') then 'canceled'
        when typed.outcome in ('SCHEDULED', 'QUEUED', 'RINGING', 'CONNECTING', 'IN_PROGRESS', 'SENDING', 'DRAFT')
            then 'scheduled'
        when
            typed.outcome is null
            and typed.kind = 'meeting'
            and {{ local_date(instant_or_null('typed.occurred_at')) }} > {{ as_of_date() }}
            then 'scheduled'
        else 'completed'
    end as status,
    typed.updated_at
from typed
left join about_deals on typed.engagement_id = about_deals.engagement_id
left join about_companies on typed.engagement_id = about_companies.engagement_id
left join about_contacts on typed.engagement_id = about_contacts.engagement_id
left join accounts on coalesce(about_companies.company_id, typed.company_id) = accounts.company_id
left join owners on lower(typed.owner) = owners.named
