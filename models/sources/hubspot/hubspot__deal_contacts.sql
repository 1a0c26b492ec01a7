-- the contact that each deal grew from: the oldest of those it is with
with

associations as (
    {{ current_rows('hubspot', 'deal_contact') }}
),

deals as (
    {{ current_rows('hubspot', 'deal') }}
),

exported as (
    {{ current_rows('hubspot', 'all_deals') }}
),

merged as (
    select merged_id, into_id from {{ ref('hubspot__merged') }}
    where object = 'contact'
),

said as (
    select deal_id, {{ whole_number('contact_id') }} as contact_id
    from associations
    where not {{ is_set('_fivetran_deleted') }}
    union all
    select deal_id, {{ ids_of('contacts') }} as contact_id from deals
    union all
    select record_id as deal_id, {{ ids_of('associated_contact_ids') }} as contact_id from exported
),

ranked as (
    select
        said.deal_id,
        coalesce(merged.into_id, said.contact_id) as contact_id,
        row_number() over (
            partition by said.deal_id
            order by
                {{ natural_order('coalesce(merged.into_id, said.contact_id)') }},
                coalesce(merged.into_id, said.contact_id),
                said.contact_id
        ) as contact_number
    from said
    left join merged on said.contact_id = merged.merged_id
    where said.deal_id is not null and said.contact_id is not null and said.contact_id <> ''
)

select deal_id, contact_id
from ranked
where contact_number = 1
