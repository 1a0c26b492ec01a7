-- records that were merged into others, by whatever says so
with

companies as (
    {{ current_rows('hubspot', 'company') }}
),

contacts as (
    {{ current_rows('hubspot', 'contact') }}
),

deals as (
    {{ current_rows('hubspot', 'deal') }}
),

tickets as (
    {{ current_rows('hubspot', 'ticket') }}
),

merged_deals as (
    {{ current_rows('hubspot', 'merged_deal') }}
),

said as (
    select 'company' as object, id as into_id, {{ ids_of('property_hs_merged_object_ids') }} as merged_id
    from companies
    union all
    select 'contact' as object, id as into_id, {{ ids_of('property_hs_merged_object_ids') }} as merged_id
    from contacts
    union all
    -- id:time;id:time
    select
        'contact' as object,
        id as into_id,
        {{ ids_of(replaced('property_hs_calculated_merged_vids', ':[0-9]+', '')) }} as merged_id
    from contacts
    union all
    select 'deal' as object, deal_id as into_id, {{ ids_of('property_hs_merged_object_ids') }} as merged_id
    from deals
    union all
    select 'deal' as object, deal_id as into_id, {{ whole_number('merged_deal_id') }} as merged_id
    from merged_deals
    union all
    select 'ticket' as object, id as into_id, {{ ids_of('property_hs_merged_object_ids') }} as merged_id
    from tickets
)

select object, merged_id, min(into_id) as into_id
from said
where merged_id is not null and merged_id <> '' and merged_id <> into_id
group by object, merged_id
