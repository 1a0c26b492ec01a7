with

customers as (
    select
        period_grain, period_start, {{ key_of('fct_customer_periods') }} as fact_key, is_active_at_end,
        region, segment, lead_source
    from {{ ref('fct_customer_periods') }}
    where is_active_before
)

{{ kpi('customer_retention_rate', 'customers',
    cuts=['region', 'segment', 'lead_source'],
    numerator=one_if('is_active_at_end'),
    denominator='1',
    fact='fct_customer_periods',
    dated_by=none,
) }}
