with

-- a lead that somebody referred, or that at least says so
referred_leads as (
    select
        created_on as event_on,
        is_converted,
        sales_rep_id,
        team,
        {{ known('referrer_type') }} as referrer_type
    from {{ ref('fct_leads') }}
    where referrer_type is not null or lead_source = 'referral'
),

rolled as (
    {{ roll_up('referred_leads',
        cuts=['sales_rep', 'team', 'referrer_type'],
        sums={'referrals': 'count(*)', 'converted_referrals': count_if('is_converted')},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        referrals as numerator,
        referrals as metric_value,
        cast(converted_referrals as bigint) as converted_referrals
    from rolled
)

{{ kpi_mart('measured', 'referrals', extras=['converted_referrals'], has_denominator=false) }}
