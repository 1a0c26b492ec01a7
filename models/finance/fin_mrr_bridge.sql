with

months as (
    select period_start as month
    from {{ ref('dim_periods') }}
    where period_grain = 'month'
),

movements as (
    select
        movement_scope, period_start as month, region, segment, lead_source, plan,
        opening_mrr, new_mrr, expansion_mrr, contraction_mrr, churned_mrr, reactivation_mrr,
        fx_mrr, closing_mrr
    from {{ ref('fct_mrr_movements') }}
    where period_grain = 'month'
),

-- the company, and its cuts by what the account is today
by_account as (
    select
        month,
        case
            when grouping(region) = 0 then 'region'
            when grouping(segment) = 0 then 'segment'
            when grouping(lead_source) = 0 then 'lead_source'
            else 'all'
        end as dimension,
        coalesce(region, segment, lead_source, 'all') as dimension_value,
        sum(opening_mrr) as opening_mrr,
        sum(new_mrr) as new_mrr,
        sum(expansion_mrr) as expansion_mrr,
        sum(contraction_mrr) as contraction_mrr,
        sum(churned_mrr) as churned_mrr,
        sum(reactivation_mrr) as reactivation_mrr,
        sum(fx_mrr) as fx_mrr,
        sum(closing_mrr) as closing_mrr
    from movements
    where movement_scope = 'account'
    group by grouping sets ((month), (month, region), (month, segment), (month, lead_source))
),

-- by plan, an account that changes plans leaves one and joins the other
by_plan as (
    select
        month,
        'plan' as dimension,
        plan as dimension_value,
        sum(opening_mrr) as opening_mrr,
        sum(new_mrr) as new_mrr,
        sum(expansion_mrr) as expansion_mrr,
        sum(contraction_mrr) as contraction_mrr,
        sum(churned_mrr) as churned_mrr,
        sum(reactivation_mrr) as reactivation_mrr,
        sum(fx_mrr) as fx_mrr,
        sum(closing_mrr) as closing_mrr
    from movements
    where movement_scope = 'account_plan'
    group by month, plan
),

-- a month without any MRR is a month all the same
without_mrr as (
    select months.month, 'all' as dimension, 'all' as dimension_value
    from months
    left join by_account on months.month = by_account.month
    where by_account.month is null
),

bridge as (
    select
        month, dimension, dimension_value, opening_mrr, new_mrr, expansion_mrr, contraction_mrr, churned_mrr,
        reactivation_mrr, fx_mrr, closing_mrr
    from by_account
    union all
    select
        month, dimension, dimension_value, opening_mrr, new_mrr, expansion_mrr, contraction_mrr, churned_mrr,
        reactivation_mrr, fx_mrr, closing_mrr
    from by_plan
    union all
    select
        month, dimension, dimension_value, 0 as opening_mrr, 0 as new_mrr, 0 as expansion_mrr, 0 as contraction_mrr,
        0 as churned_mrr, 0 as reactivation_mrr, 0 as fx_mrr, 0 as closing_mrr
    from without_mrr
)

select
    month,
    dimension,
    dimension_value,
    cast(opening_mrr as {{ money() }}) as opening_mrr,
    cast(new_mrr as {{ money() }}) as new_mrr,
    cast(expansion_mrr as {{ money() }}) as expansion_mrr,
    cast(contraction_mrr as {{ money() }}) as contraction_mrr,
    cast(churned_mrr as {{ money() }}) as churned_mrr,
    cast(reactivation_mrr as {{ money() }}) as reactivation_mrr,
    cast(fx_mrr as {{ money() }}) as fx_mrr,
    cast(closing_mrr as {{ money() }}) as closing_mrr
from bridge
