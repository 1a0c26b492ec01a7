with

paying_accounts as (
    select period_grain, period_start, closing_mrr, region, segment, lead_source
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account' and closing_mrr > 0
),

-- by plan, an account counts on each plan it pays for
paying_plans as (
    select period_grain, period_start, closing_mrr, plan
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account_plan' and closing_mrr > 0
),

rolled_accounts as (
    {{ roll_up('paying_accounts',
        cuts=['region', 'segment', 'lead_source'],
        sums={'mrr': 'sum(closing_mrr)', 'accounts': 'count(*)'},
        dated_by=none,
    ) }}
),

rolled_plans as (
    {{ roll_up('paying_plans',
        cuts=['plan'],
        sums={'mrr': 'sum(closing_mrr)', 'accounts': 'count(*)'},
        dated_by=none,
    ) }}
),

rolled as (
    select period_grain, period_start, dimension, dimension_value, mrr, accounts from rolled_accounts
    union all
    select period_grain, period_start, dimension, dimension_value, mrr, accounts from rolled_plans
    where dimension = 'plan'
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        mrr as numerator,
        accounts as denominator,
        {{ ratio('mrr', 'accounts') }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'average_revenue_per_account') }}
