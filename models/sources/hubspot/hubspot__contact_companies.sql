-- the main company of each contact: the one its record says, else by its associations, the oldest company first
with

contacts as (
    {{ current_rows('hubspot', 'contact') }}
),

exported as (
    {{ current_rows('hubspot', 'all_contacts') }}
),

associations as (
    {{ current_rows('hubspot', 'contact_company') }}
),

said as (
    select id as contact_id, {{ whole_number('property_associatedcompanyid') }} as company_id, 1 as rule_number
    from contacts
    union all
    select
        contact_id,
        {{ whole_number('company_id') }} as company_id,
        case when type_id in ('1', '279') then 2 else 3 end as rule_number
    from associations
    where not {{ is_set('_fivetran_deleted') }}
    union all
    select id as contact_id, {{ first_id('companies') }} as company_id, 4 as rule_number from contacts
    union all
    select record_id as contact_id, {{ first_id('associated_company_ids') }} as company_id, 5 as rule_number
    from exported
),

ranked as (
    select
        contact_id,
        company_id,
        row_number() over (
            partition by contact_id order by rule_number, {{ natural_order('company_id') }}, company_id
        ) as company_number
    from said
    where contact_id is not null and company_id is not null
)

select contact_id, company_id
from ranked
where company_number = 1
