with

typed as (
    {{ typed_rows('marketing', 'ad_spend') }}
),

rates as (
    {{ first_rates() }}
),

{{ versioned_rows('marketing', 'ad_spend',
    joins='left join rates on typed.currency = rates.from_currency',
    more_reasons=[missing_rate('typed.currency', 'typed.spend_on')],
) }}
