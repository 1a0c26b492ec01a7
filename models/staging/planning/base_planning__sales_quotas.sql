with

typed as (
    {{ typed_rows('planning', 'sales_quotas') }}
),

rates as (
    {{ first_rates() }}
),

{{ versioned_rows('planning', 'sales_quotas',
    joins='left join rates on typed.currency = rates.from_currency',
    more_reasons=[missing_rate('typed.currency', 'typed.quota_month')],
) }}
