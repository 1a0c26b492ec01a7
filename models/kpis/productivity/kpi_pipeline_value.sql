with

-- the deals open at the end of each period
open_deals as (
    select
        periods.period_grain,
        periods.period_start,
        deals.amount,
        deals.amount * deals.probability as weighted_amount,
        deals.sales_rep_id,
        deals.team,
        deals.region,
        deals.segment,
        deals.lead_source,
        deals.deal_type,
        deals.stage
    from {{ ref('fct_deal_open_intervals') }} as deals
    inner join {{ ref('dim_periods') }} as periods
        on periods.balance_on >= deals.open_from and periods.balance_on < deals.open_to
),

rolled as (
    {{ roll_up('open_deals',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type', 'stage'],
        sums={'open_amount': 'sum(amount)', 'weighted_value': 'sum(weighted_amount)'},
        dated_by=none,
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        open_amount as numerator,
        open_amount as metric_value,
        cast(weighted_value as {{ money() }}) as weighted_value
    from rolled
)

{{ kpi_mart('measured', 'pipeline_value', extras=['weighted_value'], value_type='money', has_denominator=false) }}
