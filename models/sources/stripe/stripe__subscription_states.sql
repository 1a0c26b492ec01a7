-- what each subscription is from each moment on at which its state, its price or a discount changes
with

versions as (
    select
        subscription_id, _file_id, _line, state, version_number, holds_from, was_trial_from, was_active_from
    from {{ ref('stripe__subscription_versions') }}
    where left_out is null and holds_from is not null
),

prices as (
    select
        subscription_id, holds_from, _file_id, _line, plan, quantity, unit_amount, currency, billing_interval,
        interval_count,
        row_number() over (partition by subscription_id order by holds_from) as price_number
    from {{ ref('stripe__subscription_prices') }}
),

discounts as (
    select _file_id, _line, subscription_id, holds_from, holds_until, share_off, amount_off
    from {{ ref('stripe__subscription_discounts') }}
),

-- _part tells the rows apart that are made of one: a version 1 to 3, a discount 1 and 2
events as (
    select subscription_id, holds_from as moment, state, version_number, 3 as event_order, 1 as _part, _file_id, _line
    from versions
    union all
    select
        subscription_id, was_trial_from as moment, 'trialing' as state, version_number, 1 as event_order, 2 as _part,
        _file_id, _line
    from versions
    where was_trial_from is not null
    union all
    select
        subscription_id, was_active_from as moment, 'active' as state, version_number, 2 as event_order, 3 as _part,
        _file_id, _line
    from versions
    where was_active_from is not null
),

ranked_events as (
    select
        subscription_id, moment, state, _part, _file_id, _line,
        row_number() over (
            partition by subscription_id, moment order by version_number desc, event_order desc, _file_id asc, _line asc
        ) as event_rank
    from events
),

states as (
    select
        subscription_id, moment, state, _part, _file_id, _line,
        row_number() over (partition by subscription_id order by moment) as state_number
    from ranked_events
    where event_rank = 1
),

first_moments as (
    select subscription_id, min(moment) as moment from states
    group by subscription_id
),

discount_bounds as (
    select subscription_id, holds_from as moment, 1 as _part, _file_id, _line from discounts
    union all
    select subscription_id, holds_until as moment, 2 as _part, _file_id, _line from discounts
    where holds_until is not null
),

ranked_bounds as (
    select
        subscription_id, moment, _part, _file_id, _line,
        row_number() over (partition by subscription_id, moment order by _file_id, _line, _part) as bound_rank
    from discount_bounds
),

moments as (
    select subscription_id, moment from states
    union
    select subscription_id, holds_from as moment from prices
    union
    select subscription_id, moment from ranked_bounds
),

-- which row says so: a version before a price before a discount
placed as (
    select
        moments.subscription_id,
        moments.moment,
        states.state_number is not null as has_state,
        prices.price_number is not null as has_price,
        case
            when states.state_number is not null then 'version'
            when prices.price_number is not null then 'price'
            else 'discount'
        end as said_by,
        coalesce(states._file_id, prices._file_id, ranked_bounds._file_id) as _file_id,
        coalesce(states._line, prices._line, ranked_bounds._line) as _line,
        coalesce(states._part, case when prices.price_number is not null then 1 end, ranked_bounds._part) as _part
    from moments
    left join states on moments.subscription_id = states.subscription_id and moments.moment = states.moment
    left join prices on moments.subscription_id = prices.subscription_id and moments.moment = prices.holds_from
    left join ranked_bounds
        on moments.subscription_id = ranked_bounds.subscription_id
        and moments.moment = ranked_bounds.moment
        and ranked_bounds.bound_rank = 1
),

-- the last state and price until then; the first price known is that of the time before it, too
counted as (
    select
        subscription_id, moment, said_by, _file_id, _line, _part,
        sum(case when has_state then 1 else 0 end) over (
            partition by subscription_id order by moment rows between unbounded preceding and current row
        ) as state_number,
        sum(case when has_price then 1 else 0 end) over (
            partition by subscription_id order by moment rows between unbounded preceding and current row
        ) as price_count
    from placed
),

reductions as (
    select
        moments.subscription_id,
        moments.moment,
        max(case when discounts.share_off >= 1 then 1 else 0 end) as is_free,
        -- discounts in percent follow each other
        exp(sum(ln(
            cast(1 as {{ double_type() }})
            - case
                when discounts.share_off < 1 then cast(discounts.share_off as {{ double_type() }})
                else 0
            end
        ))) as share_left,
        cast(sum(coalesce(discounts.amount_off, 0)) as {{ amount_type() }}) as amount_off
    from moments
    inner join discounts
        on moments.subscription_id = discounts.subscription_id
        and moments.moment >= discounts.holds_from
        and (discounts.holds_until is null or moments.moment < discounts.holds_until)
    group by moments.subscription_id, moments.moment
),

filled as (
    select
        counted.subscription_id,
        counted.moment,
        counted.said_by,
        counted._file_id,
        counted._line,
        counted._part,
        states.state,
        prices.plan,
        prices.currency,
        prices.billing_interval,
        prices.interval_count,
        case when coalesce(reductions.amount_off, 0) > 0 then 1 else prices.quantity end as quantity,
        case
            when reductions.subscription_id is null then prices.unit_amount
            when reductions.is_free = 1 then 0
            when reductions.amount_off > 0
                then greatest(
                    cast(
                        round(
                            cast({{ money_product('prices.quantity', 'prices.unit_amount') }} as {{ double_type() }})
                            * reductions.share_left,
                            6
                        ) as {{ amount_type() }}
                    ) - reductions.amount_off,
                    0
                )
            else
                cast(
                    round(cast(prices.unit_amount as {{ double_type() }}) * reductions.share_left, 6)
                    as {{ amount_type() }}
                )
        end as unit_amount
    from counted
    inner join first_moments
        on counted.subscription_id = first_moments.subscription_id and counted.moment >= first_moments.moment
    inner join states
        on counted.subscription_id = states.subscription_id and counted.state_number = states.state_number
    left join prices
        on counted.subscription_id = prices.subscription_id
        and prices.price_number = case when counted.price_count = 0 then 1 else counted.price_count end
    left join reductions on counted.subscription_id = reductions.subscription_id and counted.moment = reductions.moment
),

contents as (
    select
        subscription_id, moment, said_by, _file_id, _line, _part, state, plan, quantity, unit_amount, currency,
        billing_interval, interval_count,
        concat_ws(
            '/',
            state,
            coalesce(plan, ''),
            coalesce(cast(quantity as {{ text_type() }}), ''),
            coalesce(cast(unit_amount as {{ text_type() }}), ''),
            coalesce(currency, ''),
            coalesce(billing_interval, ''),
            coalesce(cast(interval_count as {{ text_type() }}), '')
        ) as content
    from filled
),

compared as (
    select
        subscription_id, moment, said_by, _file_id, _line, _part, state, plan, quantity, unit_amount, currency,
        billing_interval, interval_count, content,
        lag(content) over (partition by subscription_id order by moment) as previous_content
    from contents
)

select
    subscription_id,
    moment,
    said_by,
    _file_id,
    _line,
    cast(_part as integer) as _part,
    state,
    plan,
    cast(quantity as {{ quantity_type() }}) as quantity,
    cast(unit_amount as {{ amount_type() }}) as unit_amount,
    currency,
    billing_interval,
    interval_count,
    previous_content is null or previous_content <> content as is_change
from compared
