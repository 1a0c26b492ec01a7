-- opening is the closing of the month before as it stands: what later data changes about a closed month enters the
-- first open month as restated_mrr, so that the chain never breaks
insert into finance.mrr_bridge
with

own as (
    from bridge_months
),

before as (
    select cast(month + interval 1 month as date) as month, dimension, dimension_value, closing_mrr
    from own
),

months as (
    select month, any_value(is_closed) as is_closed, any_value(version) as version
    from own
    group by month
),

bounds as (
    select min(month) as first_month from own
),

chained as (
    select
        months.month,
        coalesce(own.dimension, before.dimension) as dimension,
        coalesce(own.dimension_value, before.dimension_value) as dimension_value,
        months.is_closed,
        months.version,
        months.month = bounds.first_month as is_first,
        coalesce(own.opening_mrr, 0) as own_opening_mrr,
        coalesce(before.closing_mrr, 0) as closing_before,
        own.* exclude (month, dimension, dimension_value, is_closed, version, opening_mrr)
    from own
    full outer join before using (month, dimension, dimension_value)
    inner join months on months.month = coalesce(own.month, before.month)
    cross join bounds
    where own.month is not null or before.closing_mrr <> 0
)

select
    month, dimension, dimension_value, is_closed, version,
    month + interval 1 month <= cast(? as date) as is_complete,
    case when is_first then own_opening_mrr else closing_before end as opening_mrr,
    case when is_first then 0 else own_opening_mrr - closing_before end as restated_mrr,
    coalesce(new_mrr, 0) as new_mrr,
    coalesce(expansion_mrr, 0) as expansion_mrr,
    coalesce(contraction_mrr, 0) as contraction_mrr,
    coalesce(churned_mrr, 0) as churned_mrr,
    coalesce(reactivation_mrr, 0) as reactivation_mrr,
    coalesce(fx_mrr, 0) as fx_mrr,
    coalesce(closing_mrr, 0) as closing_mrr
from chained
order by month, dimension <> 'all', dimension, dimension_value
