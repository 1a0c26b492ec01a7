with

quotas as (
    select
        periods.period_grain, periods.period_start, quotas.rep_id, quotas.quota_amount, quotas.sales_rep_id,
        quotas.team, {{ key_of('fct_sales_quotas', 'quotas') }} as fact_key
    from {{ ref('fct_sales_quotas') }} as quotas
    inner join {{ ref('dim_period_dates') }} as periods on quotas.quota_month = periods.date_on
    where periods.period_grain in ('month', 'quarter', 'year')
),

reps_with_quota as (
    select period_grain, period_start, rep_id, sales_rep_id from quotas
    group by period_grain, period_start, rep_id, sales_rep_id
),

-- what a rep with a quota in the period won in all of it, by the key the CRM gives the owner
events as (
    select
        period_grain, period_start, true as is_in_all, 'fct_sales_quotas' as fact, fact_key, rep_id,
        cast(0 as {{ money() }}) as numerator, quota_amount as denominator, sales_rep_id, team
    from quotas
    union all
    select
        periods.period_grain, periods.period_start, true as is_in_all, 'fct_deals' as fact,
        deals.deal_id as fact_key, reps.rep_id,
        deals.amount as numerator, 0 as denominator, reps.sales_rep_id, deals.team
    from {{ ref('fct_deals') }} as deals
    inner join {{ ref('dim_period_dates') }} as periods on deals.closed_on = periods.date_on
    inner join reps_with_quota as reps
        on deals.owner_rep_id = reps.rep_id
        and periods.period_grain = reps.period_grain
        and periods.period_start = reps.period_start
    where deals.is_won
),

-- a rep that moved counts once in all, and in each team with what belongs to it
rep_periods as (
    {%- for is_by_team in [false, true] %}
    select
        period_grain, period_start, {{ not is_by_team }} as is_in_all, rep_id,
        {{ 'null' if is_by_team else 'sales_rep_id' }} as sales_rep_id, {{ 'team' if is_by_team else 'null' }} as team,
        bool_or(fact = 'fct_sales_quotas') as has_quota, sum(numerator) as won_amount, sum(denominator) as quota_amount
    from events
    group by period_grain, period_start, rep_id, {{ 'team' if is_by_team else 'sales_rep_id' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

{{ kpi('quota_attainment', 'rep_periods',
    cuts=['sales_rep', 'team'],
    numerator='won_amount',
    denominator='quota_amount',
    drill='events',
    sums={
        'reps_with_quota': count_if('has_quota'),
        'reps_attained': count_if('quota_amount > 0 and won_amount >= quota_amount'),
    },
    dated_by=none,
    grains=['month', 'quarter', 'year'],
    in_all='is_in_all',
    target=1,
) }}
