with

-- each rep's quota and wins over the months of a period that have a quota
rep_periods as (
    select
        periods.period_grain,
        periods.period_start,
        quotas.rep_id,
        quotas.sales_rep_id,
        quotas.team,
        sum(quotas.won_amount) as won_amount,
        sum(quotas.quota_amount) as quota_amount
    from {{ ref('fct_sales_quotas') }} as quotas
    inner join {{ ref('dim_period_dates') }} as periods on quotas.quota_month = periods.date_on
    where periods.period_grain <> 'week'
    group by periods.period_grain, periods.period_start, quotas.rep_id, quotas.sales_rep_id, quotas.team
),

rolled as (
    {{ roll_up('rep_periods',
        cuts=['sales_rep', 'team'],
        sums={
            'won_amount': 'sum(won_amount)',
            'quota_amount': 'sum(quota_amount)',
            'reps_with_quota': 'count(*)',
            'reps_attained': count_if('quota_amount > 0 and won_amount >= quota_amount'),
        },
        dated_by=none,
        grains=['month', 'quarter', 'year'],
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        won_amount as numerator,
        quota_amount as denominator,
        {{ ratio('won_amount', 'quota_amount') }} as metric_value,
        cast(reps_with_quota as bigint) as reps_with_quota,
        cast(reps_attained as bigint) as reps_attained
    from rolled
)

{{ kpi_mart('measured', 'quota_attainment', extras=['reps_with_quota', 'reps_attained'], target=1) }}
