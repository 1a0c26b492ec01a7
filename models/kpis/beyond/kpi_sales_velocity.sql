with

periods as (
    select period_grain, period_start, balance_on from {{ ref('dim_periods') }}
),

-- the deals closed in the 90 days that end with the period, and the deals open at its end
deals as (
    select
        periods.period_grain, periods.period_start,
        false as is_open, deals.is_won, deals.amount, deals.sales_cycle_days,
        deals.sales_rep_id, deals.team, deals.region, deals.segment, deals.lead_source, deals.deal_type
    from {{ ref('fct_deals') }} as deals
    inner join periods
        on deals.closed_on <= periods.balance_on and deals.closed_on > {{ days_after('periods.balance_on', -90) }}
    union all
    select
        periods.period_grain, periods.period_start, true as is_open, false as is_won, deals.amount,
        cast(null as {{ double_type() }}) as sales_cycle_days,
        deals.sales_rep_id, deals.team, deals.region, deals.segment, deals.lead_source, deals.deal_type
    from {{ ref('fct_deal_open_intervals') }} as deals
    inner join periods on periods.balance_on >= deals.open_from and periods.balance_on < deals.open_to
),

rolled as (
    {{ roll_up('deals',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
        sums={
            'open_deals': count_if('is_open'),
            'closed_deals': count_if('not is_open'),
            'won_deals': count_if('is_won'),
            'won_amount': sum_if('amount', 'is_won'),
        },
        stats={
            'cycle_days': ratio(
                'sum(' ~ exact('sales_cycle_days') ~ ') filter (where is_won)',
                'count(sales_cycle_days) filter (where is_won)',
            ),
        },
        dated_by=none,
        keep_if=count_if('is_open') ~ ' > 0 or ' ~ count_if('is_won') ~ ' > 0',
    ) }}
),

valued as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        open_deals
        * {{ ratio('won_deals', 'closed_deals') }}
        * {{ ratio('won_amount', 'won_deals') }} as expected_amount,
        cycle_days,
        open_deals,
        {{ ratio('won_deals', 'closed_deals') }} as trailing_win_rate,
        {{ ratio('won_amount', 'won_deals') }} as trailing_average_deal_size
    from rolled
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        expected_amount as numerator,
        cycle_days as denominator,
        {{ ratio('expected_amount', 'cycle_days') }} as metric_value,
        cast(open_deals as bigint) as open_deals,
        trailing_win_rate,
        trailing_average_deal_size
    from valued
)

{{ kpi_mart('measured', 'sales_velocity', extras=['open_deals', 'trailing_win_rate', 'trailing_average_deal_size']) }}
