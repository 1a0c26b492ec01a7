-- tickets are inquiries
with

tickets as (
    {{ source_rows('hubspot', 'ticket') }}
),

stages as (
    {{ current_rows('hubspot', 'ticket_pipeline_stage') }}
),

associations as (
    {{ current_rows('hubspot', 'ticket_company') }}
),

merged as (
    select merged_id, into_id from {{ ref('hubspot__merged') }}
    where object = 'ticket'
),

owners as (
    select named, rep_id from {{ ref('hubspot__owners') }}
),

accounts as (
    select company_id, account_id from {{ ref('hubspot__company_accounts') }}
),

-- the association that HubSpot calls primary (type 26), else the oldest company
ranked as (
    select
        ticket_id,
        {{ whole_number('company_id') }} as company_id,
        row_number() over (
            partition by ticket_id
            order by case when type_id = '26' then 0 else 1 end, {{ natural_order('company_id') }}, company_id
        ) as company_number
    from associations
    where not {{ is_set('_fivetran_deleted') }}
),

associated as (
    select ticket_id, company_id from ranked
    where company_number = 1
),

records as (
    select
        tickets._file_id,
        tickets._line,
        tickets.id,
        tickets.property_source_type,
        coalesce(associated.company_id, {{ first_id('tickets.companies') }}) as company_id,
        {{ whole_number('tickets.property_hubspot_owner_id') }} as owner,
        tickets.property_createdate,
        tickets.property_first_agent_reply_date,
        case
            when coalesce(upper(stages.ticket_state), 'CLOSED') = 'CLOSED' then tickets.property_closed_date
        end as closed_date,
        coalesce(tickets.property_hs_lastmodifieddate, tickets._fivetran_start) as modified,
        {{ is_gone('tickets') }} as is_gone
    from tickets
    left join associated on tickets.id = associated.ticket_id
    left join stages on tickets.property_hs_pipeline_stage = stages.stage_id
)

select
    records._file_id,
    records._line,
    1 as _part,
    case
        when records.id is null then null
        when records.is_gone then 'deleted'
        when merged.merged_id is not null then 'merged'
    end as _left_out,
    {{ system_key('hubspot', 'records.id') }} as inquiry_id,
    case lower(records.property_source_type)
        when 'email' then 'email'
        when 'phone' then 'phone'
        when 'chat' then 'chat'
        else 'other'
    end as channel,
    coalesce(accounts.account_id, {{ system_key('hubspot', 'records.company_id') }}) as account_id,
    coalesce(owners.rep_id, {{ system_key('hubspot', 'records.owner') }}) as rep_id,
    {{ instant('records.property_createdate') }} as received_at,
    {{ instant('records.property_first_agent_reply_date') }} as first_responded_at,
    {{ instant('records.closed_date') }} as resolved_at,
    {{ instant('records.modified') }} as updated_at
from records
left join merged on records.id = merged.merged_id
left join accounts on records.company_id = accounts.company_id
left join owners on lower(records.owner) = owners.named
