with

typed as (
    {{ typed_rows('planning', 'sales_costs') }}
),

rates as (
    {{ first_rates() }}
),

{{ versioned_rows('planning', 'sales_costs',
    joins='left join rates on typed.currency = rates.from_currency',
    more_reasons=[missing_rate('typed.currency', 'typed.cost_month')],
) }}
