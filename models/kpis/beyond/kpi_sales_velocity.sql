{%- set days = var('velocity_days') | int -%}
{%- set cuts = ['sales_rep', 'team', 'region', 'segment'] -%}
with

periods as (
    select period_grain, period_start, balance_on from {{ ref('dim_periods') }}
),

-- the deals closed in the last velocity_days of the period, and the deals open at its end
deals as (
    select
        periods.period_grain, periods.period_start, 'fct_deals' as fact, deals.deal_id as fact_key,
        false as is_open, deals.is_won, deals.amount, {{ exact('deals.sales_cycle_days') }} as cycle_days,
        deals.sales_rep_id, deals.team, deals.region, deals.segment
    from {{ ref('fct_deals') }} as deals
    inner join periods
        on deals.closed_on <= periods.balance_on and deals.closed_on > {{ days_after('periods.balance_on', -days) }}
    union all
    select
        periods.period_grain, periods.period_start, 'fct_deal_open_intervals' as fact,
        {{ key_of('fct_deal_open_intervals', 'deals') }} as fact_key, true as is_open, false as is_won, deals.amount,
        null as cycle_days, deals.sales_rep_id, deals.team, deals.region, deals.segment
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
        {{ denominator }} as denominator, sales_rep_id, team, region, segment
    from deals
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{{ rows_behind('sales_velocity', 'parts',
    cuts=cuts, numerator='numerator', denominator='denominator', dated_by=none, part='part',
) }},

rolled as (
    {{ roll_up('deals',
        cuts=cuts,
        sums={
            'open_deals': count_if('is_open'),
            'closed_deals': count_if('not is_open'),
            'won_deals': count_if('is_won'),
            'won_amount': sum_if('amount', 'is_won'),
        },
        stats={
            'sales_cycle_length': ratio(
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
        open_deals,
        {{ ratio('won_deals', 'closed_deals') }} as win_rate,
        {{ ratio('won_amount', 'won_deals') }} as average_deal_size,
        sales_cycle_length
    from rolled
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        open_deals * win_rate * average_deal_size as numerator,
        sales_cycle_length as denominator,
        {{ ratio('open_deals * win_rate * average_deal_size', 'sales_cycle_length') }} as metric_value,
        open_deals,
        win_rate,
        average_deal_size,
        sales_cycle_length
    from valued
)

{{ kpi_mart('sales_velocity', extras=['open_deals', 'win_rate', 'average_deal_size', 'sales_cycle_length']) }}
