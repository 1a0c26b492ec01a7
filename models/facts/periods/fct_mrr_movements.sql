with

periods as (
    select period_grain, period_start, balance_on, opening_on
    from {{ ref('dim_periods') }}
),

intervals as (
    select
        subscription_id, valid_from, valid_to, subscriber_id, account_id, lead_source, plan,
        currency, native_mrr, fx_rate, mrr
    from {{ ref('fct_mrr_intervals') }}
),

-- what each subscription is worth where a period opens and where it closes
balances as (
    select
        periods.period_grain, periods.period_start, intervals.subscription_id, intervals.subscriber_id,
        intervals.account_id, intervals.lead_source, intervals.plan, intervals.currency,
        intervals.mrr as opening_mrr, cast(0 as {{ money() }}) as closing_mrr,
        intervals.native_mrr as opening_native, intervals.fx_rate as opening_rate,
        cast(null as {{ double_type() }}) as closing_native, cast(null as {{ double_type() }}) as closing_rate
    from intervals
    inner join periods on periods.opening_on >= intervals.valid_from and periods.opening_on < intervals.valid_to
    union all
    select
        periods.period_grain, periods.period_start, intervals.subscription_id, intervals.subscriber_id,
        intervals.account_id, intervals.lead_source, intervals.plan, intervals.currency,
        cast(0 as {{ money() }}) as opening_mrr, intervals.mrr as closing_mrr,
        cast(null as {{ double_type() }}) as opening_native, cast(null as {{ double_type() }}) as opening_rate,
        intervals.native_mrr as closing_native, intervals.fx_rate as closing_rate
    from intervals
    inner join periods on periods.balance_on >= intervals.valid_from and periods.balance_on < intervals.valid_to
),

{% for scope in ['account', 'account_plan'] %}
{%- set by_plan = scope == 'account_plan' %}
{%- set plan = 'plan' if by_plan else "cast('all' as " ~ text_type() ~ ")" %}
-- per subscription; a rate that moved while the currency stayed is a movement of its own (on an unchanged amount all
-- of it, to the last rounding)
{{ scope }}_subscriptions as (
    select
        period_grain, period_start, subscription_id, subscriber_id, account_id, lead_source,
        {{ plan }} as plan,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr,
        coalesce(
            case
                when min(currency) = max(currency) and max(opening_native) = max(closing_native)
                    then sum(closing_mrr) - sum(opening_mrr)
                when min(currency) = max(currency)
                    then round(max(opening_native) * (max(closing_rate) - max(opening_rate)), 4)
            end, 0
        ) as fx_mrr
    from balances
    group by
        period_grain, period_start, subscription_id, subscriber_id, account_id, lead_source
        {{- ', plan' if by_plan }}
),

{{ scope }}_totals as (
    select
        period_grain, period_start, subscriber_id, account_id, lead_source, plan,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr,
        sum(cast(fx_mrr as {{ money() }})) as fx_mrr
    from {{ scope }}_subscriptions
    group by period_grain, period_start, subscriber_id, account_id, lead_source, plan
),

{{ scope }}_firsts as (
    select subscriber_id, {{ plan }} as plan, min(changed_on) as first_mrr_on
    from {{ ref('fct_subscription_changes') }}
    where mrr > 0
    group by subscriber_id{{ ', plan' if by_plan }}
),

{{ scope }}_movements as (
    select
        '{{ scope }}' as movement_scope,
        totals.period_grain, totals.period_start, totals.subscriber_id, totals.account_id,
        totals.lead_source, periods.opening_on, periods.balance_on, totals.plan, totals.opening_mrr, totals.closing_mrr,
        case
            when totals.opening_mrr = 0 and firsts.first_mrr_on <= periods.opening_on then 'reactivation'
            when totals.opening_mrr = 0 then 'new'
            when totals.closing_mrr = 0 then 'churned'
            when totals.closing_mrr - totals.opening_mrr > totals.fx_mrr then 'expansion'
            when totals.closing_mrr - totals.opening_mrr < totals.fx_mrr then 'contraction'
            else 'unchanged'
        end as movement,
        case when totals.opening_mrr > 0 and totals.closing_mrr > 0 then totals.fx_mrr else 0 end as fx_mrr
    from {{ scope }}_totals as totals
    inner join {{ scope }}_firsts as firsts
        on totals.subscriber_id = firsts.subscriber_id and totals.plan = firsts.plan
    inner join periods on totals.period_grain = periods.period_grain and totals.period_start = periods.period_start
),
{% endfor %}

movements as (
    select
        movement_scope, period_grain, period_start, opening_on, balance_on, subscriber_id, account_id, lead_source,
        plan, opening_mrr, closing_mrr, movement, fx_mrr, closing_mrr - opening_mrr - fx_mrr as change_mrr
    from account_movements
    union all
    select
        movement_scope, period_grain, period_start, opening_on, balance_on, subscriber_id, account_id, lead_source,
        plan, opening_mrr, closing_mrr, movement, fx_mrr, closing_mrr - opening_mrr - fx_mrr as change_mrr
    from account_plan_movements
)

select
    movements.movement_scope,
    movements.period_grain,
    movements.period_start,
    movements.subscriber_id,
    movements.plan,
    movements.account_id,
    {{ known('closing_accounts.region') }} as region,
    {{ known('closing_accounts.segment') }} as segment,
    movements.lead_source,
    {{ known('opening_accounts.region') }} as opening_region,
    {{ known('opening_accounts.segment') }} as opening_segment,
    movements.movement,
    cast(movements.opening_mrr as {{ money() }}) as opening_mrr,
    cast(movements.closing_mrr as {{ money() }}) as closing_mrr,
    {%- for movement in ['new', 'expansion', 'contraction', 'churned', 'reactivation'] %}
    cast(
        case when movements.movement = '{{ movement }}' then movements.change_mrr else 0 end as {{ money() }}
    ) as {{ movement }}_mrr,
    {%- endfor %}
    cast(movements.fx_mrr as {{ money() }}) as fx_mrr
from movements
-- all of an account's movements belong to what it is at the period's end, and to what it was before the period
{{ join_account('movements.account_id', 'movements.balance_on', alias='closing_accounts') }}
{{ join_account('movements.account_id', 'movements.opening_on', alias='opening_accounts') }}
