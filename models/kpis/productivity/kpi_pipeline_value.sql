with

-- the deals open at the end of each period
open_deals as (
    select
        periods.period_grain, periods.period_start, {{ key_of('fct_deal_open_intervals', 'deals') }} as fact_key,
        deals.amount, deals.probability, deals.sales_rep_id, deals.team, deals.region, deals.segment,
        deals.lead_source, deals.deal_type, deals.stage
    from {{ ref('fct_deal_open_intervals') }} as deals
    inner join {{ ref('dim_periods') }} as periods
        on periods.balance_on >= deals.open_from and periods.balance_on < deals.open_to
)

{{ kpi('pipeline_value', 'open_deals',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type', 'stage'],
    numerator='amount',
    fact='fct_deal_open_intervals',
    sums={'weighted_value': 'sum(amount * probability)'},
    dated_by=none,
    grains=plain_grains(),
) }}
