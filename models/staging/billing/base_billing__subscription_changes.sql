with

typed as (
    {{ typed_rows('billing', 'subscription_changes') }}
),

rates as (
    {{ first_rates() }}
),

-- a change without an amount has no money to convert
{{ versioned_rows('billing', 'subscription_changes',
    joins='left join rates on typed.currency = rates.from_currency and typed.unit_amount is not null',
    more_reasons=[
        'case when abs(' ~ money_product('typed.quantity', 'typed.unit_amount') ~ ') >= ' ~ line_limit() ~ " then 'invalid_quantity' end",
        missing_rate('case when typed.unit_amount is not null then typed.currency end', local_date('typed.changed_at')),
    ],
) }}
