{#
    A bridge's months: each opens with what the one before closed with, for every member. Returns those that do not.
    With attributes_as_of: event all of an account's month is where the account stands at its end, and so one that moved
    opens in another region or segment than it closed in: these are not held to it.
#}
{% test opens_as_it_closed(model) %}
with

members as (
    select
        month, dimension, dimension_value, opening_mrr,
        lag(month) over (partition by dimension, dimension_value order by month) as month_before,
        lag(closing_mrr) over (partition by dimension, dimension_value order by month) as closing_before
    from {{ model }}
),

-- the month before may have no row of the member: it closed without MRR then; before the first month nobody has any
judged as (
    select
        month, dimension, dimension_value, opening_mrr,
        case
            when month_before = {{ months_after('month', -1) }} then closing_before
            when month > (select min(month) from {{ model }}) then 0
            else opening_mrr
        end as expected_mrr
    from members
)

select month, dimension, dimension_value, opening_mrr, expected_mrr
from judged
where
    opening_mrr <> expected_mrr
    {%- if var('attributes_as_of') == 'event' %}
    and dimension not in ('region', 'segment')
    {%- endif %}
{% endtest %}

{# The members of each cut add up to the company, month by month. Returns the cuts that do not. #}
{% test cuts_add_up(model, columns, cuts) %}
with

company as (
    select month{% for column in columns %}, {{ column }}{% endfor %}
    from {{ model }}
    where dimension = 'all'
),

members as (
    select month, dimension{% for column in columns %}, sum({{ column }}) as {{ column }}{% endfor %}
    from {{ model }}
    where dimension in ('{{ cuts | join("', '") }}')
    group by month, dimension
)

select members.month, members.dimension
from members
inner join company on members.month = company.month
where {% for column in columns %}members.{{ column }} <> company.{{ column }}{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}

{# A column of a bridge equals a mart's, month by month; `by_member` where the bridge has members, too. A mart
   leaves out cells in which nothing is: the bridge has 0 there. Returns the cells that differ. #}
{% test meets_mart(model, mart, column, mart_column='metric_value', by_member=false) %}
with

mart as (
    select period_start as month, dimension, dimension_value, {{ mart_column }} as mart_value
    from {{ mart }}
    where period_grain = 'month'{{ " and dimension = 'all'" if not by_member }}
),

bridge as (
    select
        month,
        {{ "dimension" if by_member else "'all'" }} as dimension,
        {{ "dimension_value" if by_member else "'all'" }} as dimension_value,
        {{ column }} as bridge_value
    from {{ model }}
)

select
    coalesce(bridge.month, mart.month) as month,
    coalesce(bridge.dimension, mart.dimension) as dimension,
    coalesce(bridge.dimension_value, mart.dimension_value) as dimension_value,
    bridge.bridge_value,
    mart.mart_value
from bridge
full outer join mart
    on bridge.month = mart.month
    and bridge.dimension = mart.dimension
    and bridge.dimension_value = mart.dimension_value
where coalesce(bridge.bridge_value, 0) <> coalesce(mart.mart_value, 0)
{% endtest %}
