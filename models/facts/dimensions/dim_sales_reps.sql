with

reps as (
    select rep_id, rep_name, team, hired_on, left_on from {{ ref('stg_crm__sales_reps') }}
)

select
    rep_id as sales_rep_id,
    rep_name,
    {{ known('team') }} as team,
    hired_on,
    left_on
from reps

union all

select
    'unknown' as sales_rep_id,
    'unknown' as rep_name,
    'unknown' as team,
    cast(null as date) as hired_on,
    cast(null as date) as left_on
