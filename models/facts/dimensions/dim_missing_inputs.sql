with

metrics as (
    select metric_id, {{ needs_under_the_settings('needs') }} as needs from {{ ref('metrics') }}
),

landed as (
    select system_table from {{ ref('load_books') }}
    where rows_read > 0
    union all
    -- a column that a metric cannot do without, where a row has it filled
    select 'billing.products.unit_cost' as system_table from {{ ref('stg_billing__products') }}
    having count(unit_cost) > 0
),

-- what a metric cannot do without: one row a requirement, its alternatives with / between them
requirements as (
    select metric_id, {{ parts_of("replace(needs, '|', ',')") }} as requirement from metrics
),

alternatives as (
    select metric_id, requirement, {{ parts_of("replace(requirement, '/', ',')") }} as system_table from requirements
)

select
    alternatives.metric_id,
    -- marketing.ad_spend/planning.sales_costs: ad spend or sales costs
    replace(replace(
        regexp_replace(regexp_replace(alternatives.requirement, '^[a-z]+[.]', ''), '/[a-z]+[.]', ' or '), '.', ' '
    ), '_', ' ') as missing_input
from alternatives
left join landed on alternatives.system_table = landed.system_table
group by alternatives.metric_id, alternatives.requirement
having count(landed.system_table) = 0
