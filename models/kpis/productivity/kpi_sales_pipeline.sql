with

-- the deals open at the end of each period, and how long they have been
open_deals as (
    select
        periods.period_grain,
        periods.period_start,
        {{ key_of('fct_deal_open_intervals', 'deals') }} as fact_key,
        deals.amount,
        {{ days_between('deals.created_on', 'periods.balance_on') }} as age_days,
        {{ days_between('deals.in_stage_since', 'periods.balance_on') }} as days_in_stage,
        deals.stage,
        deals.sales_rep_id,
        deals.team
    from {{ ref('fct_deal_open_intervals') }} as deals
    inner join {{ ref('dim_periods') }} as periods
        on periods.balance_on >= deals.open_from and periods.balance_on < deals.open_to
)

{{ kpi('sales_pipeline', 'open_deals',
    cuts=['stage', 'sales_rep', 'team'],
    numerator='1',
    fact='fct_deal_open_intervals',
    sums={'open_amount': 'sum(amount)'},
    stats={'average_age_days': mean('age_days'), 'average_days_in_stage': mean('days_in_stage')},
    dated_by=none,
    grains=plain_grains(),
) }}
