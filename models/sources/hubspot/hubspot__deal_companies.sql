-- the main company of each deal: the association that HubSpot calls primary (type 5), else the oldest company
with

associations as (
    {{ current_rows('hubspot', 'deal_company') }}
),

deals as (
    {{ current_rows('hubspot', 'deal') }}
),

exported as (
    {{ current_rows('hubspot', 'all_deals') }}
),

said as (
    select
        deal_id,
        {{ whole_number('company_id') }} as company_id,
        case when type_id = '5' then 1 else 2 end as rule_number
    from associations
    where not {{ is_set('_fivetran_deleted') }}
    union all
    select deal_id, {{ first_id('companies') }} as company_id, 3 as rule_number from deals
    union all
    select record_id as deal_id, {{ first_id('associated_company_ids') }} as company_id, 4 as rule_number
    from exported
),

ranked as (
    select
        deal_id,
        company_id,
        row_number() over (
            partition by deal_id order by rule_number, {{ natural_order('company_id') }}, company_id
        ) as company_number
    from said
    where deal_id is not null and company_id is not null
)

select deal_id, company_id
from ranked
where company_number = 1
