-- what a subscription was of and cost, from each moment at which something says so: the lines of its bills, prorations
-- of a single item, and the versions of its items that were copied
with

subscriptions as (
    select subscription_id from {{ ref('stripe__subscription_versions') }}
    where is_newest
),

lines as (
    {{ current_rows('stripe', 'invoice_line_item') }}
),

items as (
    {{ current_rows('stripe', 'subscription_item') }}
),

exports as (
    {{ current_rows('stripe', 'subscriptions_export') }}
),

invoices as (
    select invoice_id, subscription_id, left_out, currency, minor_unit_digits from {{ ref('stripe__invoices') }}
),

prices as (
    select price_id, plan, currency, unit_amount, billing_interval, interval_count, is_fixed, is_one_time
    from {{ ref('stripe__prices') }}
),

-- lines of subscriptions, test data and drafts aside
subscription_lines as (
    select
        lines._file_id,
        lines._line,
        lines.invoice_id,
        coalesce({{ id_in('lines.subscription_id') }}, invoices.subscription_id) as subscription_id,
        coalesce(lines.subscription_item_id, 'the one') as item_id,
        {{ is_set('lines.proration') }} as is_proration,
        {{ moment_of("coalesce(lines.period_start, " ~ json_member('lines.period', "'start'") ~ ")") }} as period_start,
        {{ moment_of("coalesce(lines.period_end, " ~ json_member('lines.period', "'end'") ~ ")") }} as period_end,
        coalesce({{ cast_or_null('lines.quantity', quantity_type()) }}, 1) as quantity,
        {{ minor_units('lines.amount') }} as amount,
        invoices.currency,
        invoices.minor_unit_digits,
        {{ id_in('coalesce(lines.price_id, lines.plan_id)') }} as price_id
    from lines
    inner join invoices on lines.invoice_id = invoices.invoice_id
    where
        coalesce(lines.type, 'subscription') = 'subscription'
        and not {{ is_set('lines.is_deleted') }}
        and coalesce(invoices.left_out, 'nothing_billed') = 'nothing_billed'
),

subscription_periods as (
    select
        _file_id, _line, invoice_id, subscription_id, item_id, is_proration, period_start, quantity, amount, currency,
        minor_unit_digits, price_id,
        {{ days_between(local_date('period_start'), local_date('period_end')) }} as period_days
    from subscription_lines
),

priced_lines as (
    select
        subscription_lines._file_id,
        subscription_lines._line,
        subscription_lines.invoice_id,
        subscription_lines.subscription_id,
        subscription_lines.item_id,
        subscription_lines.is_proration,
        subscription_lines.period_start,
        subscription_lines.quantity,
        subscription_lines.amount,
        subscription_lines.currency,
        coalesce(prices.plan, subscription_lines.price_id) as plan,
        -- of a part of a period the price list knows the price; of a whole one its line does
        case
            when not coalesce(prices.is_fixed, true) then 0
            when subscription_lines.is_proration
                then
                    {{ cast_or_null(
                        money_product('subscription_lines.quantity', 'prices.unit_amount'), amount_type()
                    ) }}
            else
                cast(
                    {{ major_units('subscription_lines.amount', 'subscription_lines.minor_unit_digits') }}
                    as {{ amount_type() }}
                )
        end as period_amount,
        -- without the price the period's length says which interval it is
        {{ interval_of('prices.billing_interval', 'subscription_lines.period_days') }} as billing_interval,
        case
            when prices.billing_interval is not null then prices.interval_count
            else {{ interval_count_of('subscription_lines.period_days') }}
        end as interval_count
    from subscription_periods as subscription_lines
    inner join subscriptions on subscription_lines.subscription_id = subscriptions.subscription_id
    left join prices on subscription_lines.price_id = prices.price_id
    where
        subscription_lines.period_start is not null
        and not coalesce(prices.is_one_time, false)
        and (not subscription_lines.is_proration or prices.unit_amount is not null)
),

item_counts as (
    select subscription_id, count(*) as item_count
    from (
        select subscription_id, item_id from priced_lines
        group by subscription_id, item_id
    ) as items_of_lines
    group by subscription_id
),

-- the whole periods that an invoice bills in advance are all there is of its subscription
whole_periods as (
    select
        subscription_id, _file_id, _line, period_start, quantity, plan, currency, period_amount, billing_interval,
        interval_count,
        invoice_id as observation,
        rank() over (partition by subscription_id, invoice_id order by period_start desc) as period_rank
    from priced_lines
    where not is_proration
),

-- the rest of a period at a new price; the credit for the old one is negative. Of one item alone it says it all
prorations as (
    select
        priced_lines.subscription_id, priced_lines._file_id, priced_lines._line, priced_lines.period_start,
        priced_lines.quantity, priced_lines.plan, priced_lines.currency, priced_lines.period_amount,
        priced_lines.billing_interval, priced_lines.interval_count, priced_lines.invoice_id as observation
    from priced_lines
    inner join item_counts on priced_lines.subscription_id = item_counts.subscription_id
    where priced_lines.is_proration and priced_lines.amount >= 0 and item_counts.item_count = 1
),

last_lines as (
    select subscription_id, max(period_start) as period_start from priced_lines
    group by subscription_id
),

item_versions as (
    select
        items._file_id,
        items._line,
        items.id,
        {{ id_in('items.subscription_id') }} as subscription_id,
        {{ is_set('items.is_deleted') }} as is_deleted,
        coalesce({{ cast_or_null('items.quantity', quantity_type()) }}, 1) as quantity,
        {{ id_in('coalesce(items.price_id, items.plan_id)') }} as price_id,
        {{ moment_of('items.created') }} as created_at,
        {{ moment_of('items.synced_at') }} as synced_at,
        row_number() over (
            partition by items.id order by {{ moment_of('items.synced_at') }}, items._file_id, items._line
        ) as version_number
    from items
    where items.id is not null
),

-- an item as it was first copied was so since it was made, unless bills say otherwise; then since it was seen
dated_versions as (
    select
        item_versions._file_id,
        item_versions._line,
        item_versions.id,
        item_versions.subscription_id,
        item_versions.is_deleted,
        item_versions.quantity,
        item_versions.price_id,
        item_versions.version_number,
        case
            when item_versions.version_number > 1 then item_versions.synced_at
            when last_lines.period_start is null then coalesce(item_versions.created_at, item_versions.synced_at)
            else coalesce(item_versions.synced_at, last_lines.period_start)
        end as seen_at
    from item_versions
    left join last_lines on item_versions.subscription_id = last_lines.subscription_id
),

lasting_versions as (
    select
        _file_id, _line, id, subscription_id, is_deleted, quantity, price_id, seen_at,
        lead(seen_at) over (partition by id order by version_number) as seen_until
    from dated_versions
    where seen_at is not null
),

item_moments as (
    select subscription_id, seen_at, min(_file_id) as _file_id from lasting_versions
    group by subscription_id, seen_at
),

item_places as (
    select
        lasting_versions.subscription_id,
        lasting_versions.seen_at,
        lasting_versions._file_id,
        min(lasting_versions._line) as _line
    from lasting_versions
    inner join item_moments
        on lasting_versions.subscription_id = item_moments.subscription_id
        and lasting_versions.seen_at = item_moments.seen_at
        and lasting_versions._file_id = item_moments._file_id
    group by lasting_versions.subscription_id, lasting_versions.seen_at, lasting_versions._file_id
),

-- all items as they were at a moment
item_states as (
    select
        item_places.subscription_id,
        item_places._file_id,
        item_places._line,
        item_places.seen_at as period_start,
        lasting_versions.quantity,
        coalesce(prices.plan, lasting_versions.price_id) as plan,
        prices.currency,
        case
            when prices.is_fixed
                then {{ cast_or_null(money_product('lasting_versions.quantity', 'prices.unit_amount'), amount_type()) }}
            else 0
        end as period_amount,
        prices.billing_interval,
        prices.interval_count,
        'items' as observation
    from item_places
    inner join subscriptions on item_places.subscription_id = subscriptions.subscription_id
    inner join lasting_versions
        on item_places.subscription_id = lasting_versions.subscription_id
        and item_places.seen_at >= lasting_versions.seen_at
        and (lasting_versions.seen_until is null or item_places.seen_at < lasting_versions.seen_until)
        and not lasting_versions.is_deleted
    left join prices on lasting_versions.price_id = prices.price_id
),

exported as (
    select
        exports._file_id,
        exports._line,
        exports.id as subscription_id,
        {{ moment_of('coalesce(exports.start_date_utc, exports.created_utc)') }} as period_start,
        coalesce({{ cast_or_null('exports.quantity', quantity_type()) }}, 1) as quantity,
        exports.plan,
        upper(exports.currency) as currency,
        {{ cast_or_null(exported_amount('exports.amount'), amount_type()) }} as unit_amount,
        lower(exports.billing_interval) as billing_interval,
        coalesce({{ cast_or_null('exports.interval_count', 'decimal(9, 0)') }}, 1) as interval_count
    from exports
),

observed as (
    select
        subscription_id, _file_id, _line, period_start, quantity, plan, currency, period_amount, billing_interval,
        interval_count, observation, 2 as precedence
    from whole_periods
    where period_rank = 1
    union all
    select
        subscription_id, _file_id, _line, period_start, quantity, plan, currency, period_amount, billing_interval,
        interval_count, observation, 3 as precedence
    from prorations
    union all
    select
        subscription_id, _file_id, _line, period_start, quantity, plan, currency, period_amount, billing_interval,
        interval_count, observation, 1 as precedence
    from item_states
    union all
    select
        exported.subscription_id, exported._file_id, exported._line, exported.period_start, exported.quantity,
        exported.plan, exported.currency,
        {{ cast_or_null(money_product('exported.quantity', 'exported.unit_amount'), amount_type()) }} as period_amount,
        exported.billing_interval, cast(exported.interval_count as integer) as interval_count, 'export' as observation,
        4 as precedence
    from exported
    inner join subscriptions on exported.subscription_id = subscriptions.subscription_id
    where exported.period_start is not null
),

-- items with intervals of their own are brought to a month
intervals as (
    select
        subscription_id, _file_id, _line, period_start, quantity, plan, currency, period_amount, observation,
        precedence, billing_interval, interval_count,
        min(concat_ws('/', billing_interval, cast(interval_count as {{ text_type() }}))) over (
            partition by subscription_id, observation, precedence, period_start
        ) <> max(concat_ws('/', billing_interval, cast(interval_count as {{ text_type() }}))) over (
            partition by subscription_id, observation, precedence, period_start
        ) as is_mixed
    from observed
),

alike as (
    select
        subscription_id, _file_id, _line, period_start, quantity, plan, currency, observation, precedence,
        row_number() over (
            partition by subscription_id, observation, precedence, period_start order by _file_id, _line, plan
        ) as item_number,
        case when is_mixed then 'month' else billing_interval end as billing_interval,
        case when is_mixed then 1 else interval_count end as interval_count,
        cast(
            case
                when is_mixed
                    then round(
                        cast(period_amount as {{ double_type() }})
                        * case billing_interval when 'week' then 52 when 'day' then 365 else 1 end
                        / (
                            case when billing_interval in ('day', 'week', 'year') then 12 else 1 end
                            * nullif(interval_count, 0)
                        ),
                        6
                    )
                else period_amount
            end as {{ amount_type() }}
        ) as period_amount
    from intervals
),

-- several items are one amount
together as (
    select
        subscription_id,
        period_start,
        precedence,
        observation,
        max(case when item_number = 1 then _file_id end) as _file_id,
        max(case when item_number = 1 then _line end) as _line,
        count(*) as item_count,
        min(quantity) as quantity,
        {{ texts_together('plan') }} as plan,
        min(currency) as currency,
        {{ cast_or_null('sum(period_amount)', amount_type()) }} as period_amount,
        min(billing_interval) as billing_interval,
        min(interval_count) as interval_count
    from alike
    group by subscription_id, period_start, precedence, observation
),

ranked as (
    select
        subscription_id, period_start, _file_id, _line, item_count, quantity, plan, currency, period_amount,
        billing_interval, interval_count,
        row_number() over (
            partition by subscription_id, period_start order by precedence asc, observation desc
        ) as observation_rank
    from together
),

-- one item keeps its quantity, where the price of a unit says the same
units as (
    select
        subscription_id, period_start, _file_id, _line, item_count, quantity, plan, currency, period_amount,
        billing_interval, interval_count,
        cast(
            round(cast(period_amount as {{ double_type() }}) / nullif(cast(quantity as {{ double_type() }}), 0), 6)
            as {{ amount_type() }}
        ) as unit_amount
    from ranked
    where observation_rank = 1
)

select
    subscription_id,
    period_start as holds_from,
    _file_id,
    _line,
    plan,
    cast(case when {{ keeps_quantity() }} then quantity else 1 end as {{ quantity_type() }}) as quantity,
    cast(case when {{ keeps_quantity() }} then unit_amount else period_amount end as {{ amount_type() }})
        as unit_amount,
    currency,
    billing_interval,
    cast(interval_count as integer) as interval_count
from units
