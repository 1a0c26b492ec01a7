with

periods as (
    select period_grain, period_start, period_end from {{ ref('dim_forecast_periods') }}
),

deals as (
    select
        deal_id, is_won, closed_on, expected_close_on, amount,
        sales_rep_id, team
    from {{ ref('fct_deals') }}
),

open_deals as (
    select deal_id, amount, probability, sales_rep_id, team
    from {{ ref('fct_deal_open_intervals') }}
    where open_from <= {{ as_of_date() }} and open_to > {{ as_of_date() }}
),

-- won so far, and what is open; a deal whose expected day has passed is expected now, one without a day is in no period
dated as (
    select
        deal_id, closed_on as event_on, amount as won_amount, cast(0 as {{ money() }}) as open_amount,
        cast(0 as {{ money() }}) as weighted_open_amount, cast(0 as {{ money() }}) as overdue_amount,
        sales_rep_id, team
    from deals
    where is_won
    union all
    select
        deals.deal_id,
        greatest(deals.expected_close_on, {{ as_of_date() }}) as event_on,
        0 as won_amount,
        open_deals.amount as open_amount,
        cast(open_deals.amount * open_deals.probability as {{ money() }}) as weighted_open_amount,
        {{ amount_if('open_deals.amount', 'deals.expected_close_on < ' ~ as_of_date()) }} as overdue_amount,
        open_deals.sales_rep_id, open_deals.team
    from open_deals
    inner join deals on open_deals.deal_id = deals.deal_id
    where deals.expected_close_on is not null
),

events as (
    select
        periods.period_grain, periods.period_start, dated.deal_id as fact_key, dated.won_amount, dated.open_amount,
        dated.weighted_open_amount, dated.overdue_amount, dated.sales_rep_id, dated.team
    from dated
    inner join periods on dated.event_on between periods.period_start and periods.period_end
),

-- deals are compared with what deals were planned: the targets where a won deal is a sale, else the reps' quotas
targets as (
    {% if var('revenue_basis') == 'bookings' %}
    select
        periods.period_grain,
        periods.period_start,
        case when plans.scope = 'company' then 'all' else plans.scope end as dimension,
        plans.scope_value as dimension_value,
        sum(plans.amount) as target_value
    from {{ ref('fct_sales_targets') }} as plans
    inner join periods on plans.target_month between periods.period_start and periods.period_end
    group by
        periods.period_grain,
        periods.period_start,
        case when plans.scope = 'company' then 'all' else plans.scope end,
        plans.scope_value
    {% else %}
    {%- for dimension, member in [('all', "'all'"), ('sales_rep', 'plans.sales_rep_id'), ('team', 'plans.team')] %}
    select
        periods.period_grain, periods.period_start, '{{ dimension }}' as dimension, {{ member }} as dimension_value,
        sum(plans.quota_amount) as target_value
    from {{ ref('fct_sales_quotas') }} as plans
    inner join periods on plans.quota_month between periods.period_start and periods.period_end
    group by periods.period_grain, periods.period_start{{ ', ' ~ member if dimension != 'all' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {% endif %}
)

{{ kpi('sales_forecast', 'events',
    cuts=['sales_rep', 'team'],
    numerator='won_amount + weighted_open_amount',
    fact='fct_deals',
    sums={
        'won_amount': 'sum(won_amount)',
        'open_amount': 'sum(open_amount)',
        'weighted_open_amount': 'sum(weighted_open_amount)',
        'overdue_amount': 'sum(overdue_amount)',
    },
    dated_by=none,
    grains=['month', 'quarter'],
    spine='dim_forecast_periods',
    targets='targets',
) }}
