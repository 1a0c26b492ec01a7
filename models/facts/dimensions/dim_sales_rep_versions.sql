with

reps as (
    select sales_rep_id, team from {{ ref('dim_sales_reps') }}
)

{%- if var('attributes_as_of') == 'event' %},

landed as (
    {{ numbered_versions('base_crm__sales_reps', 'rep_id', ['team']) }}
),

versions as (
    {{ in_force('landed', 'rep_id', ['team']) }}
)

select
    reps.sales_rep_id,
    cast(coalesce(versions.valid_from, {{ start_of_time() }}) as date) as valid_from,
    cast(coalesce(versions.valid_to, {{ end_of_time() }}) as date) as valid_to,
    coalesce(versions.team, reps.team) as team
from reps
-- the unknown rep has none
left join versions on reps.sales_rep_id = versions.rep_id
{%- else %}

select
    sales_rep_id,
    {{ start_of_time() }} as valid_from,
    {{ end_of_time() }} as valid_to,
    team
from reps
{%- endif %}
