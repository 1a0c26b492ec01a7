with

periods as (
    select period_grain, period_start, balance_on from {{ ref('dim_periods') }}
),

-- the deals closed in the 90 days that end with the period, and the deals open at its end
deals as (
    select
        periods.period_grain, periods.period_start, 'fct_deals' as fact, deals.deal_id as fact_key,
        false as is_open, deals.is_won, deals.amount, {{ exact('deals.sales_cycle_days') }} as cycle_days,
        deals.sales_rep_id, deals.team, deals.region, deals.segment, deals.lead_source, deals.deal_type
    from {{ ref('fct_deals') }} as deals
    inner join periods
        on deals.closed_on <= periods.balance_on and deals.closed_on > {{ days_after('periods.balance_on', -90) }}
    union all
    select
        periods.period_grain, periods.period_start, 'fct_deal_open_intervals' as fact,
        {{ key_of('fct_deal_open_intervals', 'deals') }} as fact_key, true as is_open, false as is_won, deals.amount,
        null as cycle_days,
        deals.sales_rep_id, deals.team, deals.region, deals.segment, deals.lead_source, deals.deal_type
    from {{ ref('fct_deal_open_intervals') }} as deals
    inner join periods on periods.balance_on >= deals.open_from and periods.balance_on < deals.open_to
),

parts as (
    {%- for part, condition, numerator, denominator in [
        ('numerator: open deals', 'is_open', '1', 'null'),
        ('numerator: win rate', 'not is_open', one_if('is_won'), '1'),
        ('numerator: deal size', 'is_won', 'amount', '1'),
        ('denominator: cycle days', 'is_won and cycle_days is not null', 'cycle_days', '1'),
    ] %}
    select
        period_grain, period_start, '{{ part }}' as part, fact, fact_key, {{ numerator }} as numerator,
        {{ denominator }} as denominator, sales_rep_id, team, region, segment, lead_source, deal_type
    from deals
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{{ rows_behind('sales_velocity', 'parts',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
    numerator='numerator', denominator='denominator', dated_by=none, part='part',
) }},

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
                'sum(cycle_days) filter (where is_won)', 'count(cycle_days) filter (where is_won)'
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
        open_deals * {{ ratio('won_deals', 'closed_deals') }} * {{ ratio('won_amount', 'won_deals') }} as numerator,
        cycle_days as denominator,
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
        numerator,
        denominator,
        {{ ratio('numerator', 'denominator') }} as metric_value,
        open_deals,
        trailing_win_rate,
        trailing_average_deal_size
    from valued
)

{{ kpi_mart('sales_velocity', extras=['open_deals', 'trailing_win_rate', 'trailing_average_deal_size']) }}
