{# What the models of models/sources/stripe/ share. Amounts in minor units are whole numbers (bigint). #}

{# The id in a text: an id, or the JSON of the object that has it. #}
{% macro id_in(text) -%}
    case when substring({{ text }}, 1, 1) = '{' then {{ json_member(text, "'id'") }} else {{ text }} end
{%- endmacro %}

{# The timestamp in UTC of a text as instant() reads it; NULL where it is none. #}
{% macro moment_of(text, zone='UTC') -%}
    {{ instant_or_null(instant(text, zone)) }}
{%- endmacro %}

{# A whole number of minor units, of 15 digits at most; NULL where the text is none. #}
{% macro minor_units(text) -%}
    case when {{ matches(text, '[+-]?[0-9]{1,15}([.]0+)?') }} then cast({{ cast_or_null(text, 'decimal(18, 0)') }} as bigint) end
{%- endmacro %}

{# What one minor unit is of the major one. #}
{% macro minor_unit(digits) -%}
    cast(case coalesce({{ digits }}, 2) when 0 then '1' when 1 then '0.1' when 3 then '0.001' when 4 then '0.0001' else '0.01' end as decimal(5, 4))
{%- endmacro %}

{# A number of minor units in the major one, four decimals. #}
{% macro major_units(minor, digits) -%}
    cast({{ minor }} as decimal(20, 0)) * {{ minor_unit(digits) }}
{%- endmacro %}

{#
    The whole share of `amount` that falls on `part` of `whole`, rounded half up: amount * part / whole. Shares of
    running sums add up to the amount exactly.
#}
{% macro whole_share(amount, part, whole) -%}
    case
        when {{ part }} = {{ whole }} then {{ amount }}
        when {{ whole }} > 0 then cast(floor(
            (2 * cast({{ amount }} as {{ double_type() }}) * cast({{ part }} as {{ double_type() }}) + cast({{ whole }} as {{ double_type() }}))
            / (2 * cast({{ whole }} as {{ double_type() }}))
        ) as bigint)
        else 0
    end
{%- endmacro %}

{#
    An amount of an export, in major units. A comma before one or two last digits is a decimal comma; a group of digits is
    taken apart only where both signs are there. What can be read two ways (1,234) is passed on as it is.
#}
{% macro exported_amount(text) -%}
    case
        when {{ matches(text, '[+-]?[0-9]+,[0-9]{1,2}') }} then replace({{ text }}, ',', '.')
        when {{ matches(text, '[+-]?[0-9]{1,3}([. \u00a0\u202f][0-9]{3})+,[0-9]{1,3}') }}
            then replace({{ replaced(text, '[. \u00a0\u202f]', '') }}, ',', '.')
        when {{ matches(text, '[+-]?[0-9]{1,3}([, \u00a0\u202f][0-9]{3})+[.][0-9]{1,3}') }}
            then {{ replaced(text, '[, \u00a0\u202f]', '') }}
        else {{ text }}
    end
{%- endmacro %}

{# The account of a customer: the one that it is linked to, else its own. Beside a left join of account_links as `links`. #}
{% macro account_of_customer(customer_id) -%}
    coalesce(links.linked_account_id, {{ system_key('stripe', customer_id) }})
{%- endmacro %}

{# Why an invoice is no order; NULL: it is one. `invoices` are rows of object invoice. #}
{% macro invoice_left_out(invoices) -%}
    case
        when {{ invoices }}.id is null then null
        when {{ is_false(invoices ~ '.livemode') }} then 'test'
        when {{ is_set(invoices ~ '.is_deleted') }} then 'deleted'
        when {{ invoices }}.status = 'draft' then 'draft'
        when coalesce({{ minor_units(invoices ~ '.total') }}, {{ minor_units(invoices ~ '.subtotal') }}) = 0 then 'nothing_billed'
    end
{%- endmacro %}

{# What a charge or payment of the export is as an order: paid, pending, failed (left out); another state as it is. #}
{% macro charge_state(status, paid, captured) -%}
    case
        when lower({{ status }}) in ('failed', 'blocked', 'canceled', 'cancelled', 'incomplete', 'requires_payment_method', 'requires_action', 'requires_confirmation') then 'failed'
        when {{ status }} is null and {{ is_false(paid) }} then 'failed'
        when {{ is_false(captured) }} or lower({{ status }}) in ('pending', 'uncaptured', 'requires_capture', 'processing') then 'pending'
        when {{ status }} is null or lower({{ status }}) in ('succeeded', 'paid', 'refunded', 'partial refund', 'partially refunded', 'partially_refunded', 'disputed', 'dispute needs response') then 'paid'
        else {{ status }}
    end
{%- endmacro %}

{# Whether a refund in this state is money that goes back: refunds that failed or were called off do not. #}
{% macro refund_counts(status) -%}
    coalesce(lower({{ status }}), 'succeeded') not in ('failed', 'canceled', 'cancelled', 'requires_action')
{%- endmacro %}

{# An amount in major units, as a number of minor ones; NULL where the text is none. #}
{% macro minor_from_major(amount, digits) -%}
    {{ cast_or_null(
        'round(' ~ cast_or_null(amount, 'decimal(19, 4)') ~ ' * cast(case coalesce(' ~ digits ~ ", 2)"
        ~ " when 0 then '1' when 1 then '10' when 3 then '1000' when 4 then '10000' else '100' end as decimal(5, 0)), 0)",
        'bigint'
    ) }}
{%- endmacro %}

{# The state of a subscription in the contract's words. `is_paused`: whether its bills are not collected. #}
{% macro subscription_state(status, is_paused) -%}
    case
        when {{ status }} in ('active', 'past_due') and {{ is_paused }} then 'paused'
        when {{ status }} in ('active', 'past_due') then 'active'
        when {{ status }} in ('unpaid', 'canceled') then 'canceled'
        else {{ status }}
    end
{%- endmacro %}

{# When a subscription that has ended did so; its canceled_at says when somebody asked for it. #}
{% macro subscription_end() -%}
    coalesce(ended_at, case when {{ is_set('cancel_at_period_end') }} then current_period_end end, canceled_at)
{%- endmacro %}

{# The same of an exported one. #}
{% macro exported_subscription_end(exports) -%}
    coalesce(
        {{ exports }}.ended_at_utc,
        case when {{ is_set(exports ~ '.cancel_at_period_end') }} then {{ exports }}.current_period_end_utc end,
        {{ exports }}.canceled_at_utc
    )
{%- endmacro %}

{# Why a version of a subscription is no state of one; NULL: it is one. #}
{% macro subscription_left_out() -%}
    case
        when {{ is_false('livemode') }} then 'test'
        when {{ is_set('is_deleted') }} then 'deleted'
        when lower(status) in ('incomplete', 'incomplete_expired') then lower(status)
    end
{%- endmacro %}

{# The billing interval of a price, else that of a period of so many days. #}
{% macro interval_of(billing_interval, days) -%}
    case
        when {{ billing_interval }} is not null then {{ billing_interval }}
        when {{ days }} between 28 and 31 or {{ days }} between 89 and 92 or {{ days }} between 181 and 184 then 'month'
        when {{ days }} between 365 and 366 then 'year'
        else 'day'
    end
{%- endmacro %}

{# How many intervals of interval_of() a period of so many days is. #}
{% macro interval_count_of(days) -%}
    case
        when {{ days }} between 28 and 31 then 1
        when {{ days }} between 89 and 92 then 3
        when {{ days }} between 181 and 184 then 6
        when {{ days }} between 365 and 366 then 1
        when {{ days }} > 0 then {{ days }}
        else 1
    end
{%- endmacro %}

{# Whether an amount is that of a quantity of one item, to the last decimal. #}
{% macro keeps_quantity() -%}
    item_count = 1 and quantity > 0 and {{ money_product('quantity', 'unit_amount') }} = period_amount
{%- endmacro %}

{# The state of an invoice; older versions of Stripe say only whether it is paid. #}
{% macro invoice_state(invoices) -%}
    coalesce(lower({{ invoices }}.status), case when {{ is_set(invoices ~ '.paid') }} then 'paid' else 'open' end)
{%- endmacro %}

{# The status of an order that is one charge, by charge_state(); beside stripe__charges as `charge_states`. #}
{% macro charged_order_status(state) -%}
    case {{ state }}
        when 'paid' then case when charge_states.amount > 0 and charge_states.refunded >= charge_states.amount then 'refunded' else 'paid' end
        when 'pending' then case when charge_states.amount > 0 and charge_states.refunded >= charge_states.amount then 'canceled' else 'pending' end
        when 'failed' then 'canceled'
        else {{ state }}
    end
{%- endmacro %}

{# When an exported payment was made: in UTC where its header says so, else in naive_timestamps_in. #}
{% macro payment_instant(payments) -%}
    coalesce({{ instant(payments ~ '.created_utc') }}, {{ instant(payments ~ '.created_local', naive_timezone('stripe')) }})
{%- endmacro %}

{#
    An expression where an amount could be read as whole minor units, else the amount as it came, with a word that keeps
    it from being taken for major ones: staging sets it aside.
#}
{% macro if_whole(amount, expression) -%}
    case when {{ minor_units(amount) }} is null then {{ amount }} || ' minor units' else {{ expression }} end
{%- endmacro %}
