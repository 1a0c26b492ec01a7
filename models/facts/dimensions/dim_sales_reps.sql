with

reps as (
    select rep_id, rep_name, email, team, region, hired_on, left_on from {{ ref('stg_crm__sales_reps') }}
)

select
    rep_id as sales_rep_id,
    rep_name,
    email,
    {{ known('team') }} as team,
    {{ known('region') }} as region,
    hired_on,
    left_on
from reps

union all

select
    'unknown' as sales_rep_id,
    'unknown' as rep_name,
    cast(null as varchar) as email,
    'unknown' as team,
    'unknown' as region,
    cast(null as date) as hired_on,
    cast(null as date) as left_on
