with

typed as (
    {{ typed_rows('planning', 'sales_targets') }}
),

rates as (
    {{ first_rates() }}
),

{{ versioned_rows('planning', 'sales_targets',
    joins='left join rates on typed.currency = rates.from_currency',
    more_reasons=[missing_rate('typed.currency', 'typed.target_month')],
) }}
