with

typed as (
    {{ typed_rows('billing', 'orders') }}
),

rates as (
    {{ first_rates() }}
),

{{ versioned_rows('billing', 'orders',
    joins='left join rates on typed.currency = rates.from_currency',
    more_reasons=[missing_rate('typed.currency', local_date('typed.ordered_at'))],
) }}
