with

-- a deal without a duration (closed before it was created or first contacted) is out
won_deals as (
    select
        closed_on as event_on, sales_cycle_days, deal_age_days,
        sales_rep_id, team, region, segment, lead_source, deal_type
    from {{ ref('fct_deals') }}
    where is_won and sales_cycle_days is not null
),

rolled as (
    {{ roll_up('won_deals',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
        sums={'cycle_days': 'sum(' ~ exact('sales_cycle_days') ~ ')', 'deals': 'count(*)'},
        stats={
            'median': percentile(0.5, 'sales_cycle_days'),
            'p90': percentile(0.9, 'sales_cycle_days'),
            'average_deal_age_days': ratio('sum(' ~ exact('deal_age_days') ~ ')', 'count(deal_age_days)'),
        },
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        cycle_days as numerator,
        deals as denominator,
        {{ ratio('cycle_days', 'deals') }} as metric_value,
        median,
        p90,
        average_deal_age_days
    from rolled
)

{{ kpi_mart('measured', 'sales_cycle_length', extras=['median', 'p90', 'average_deal_age_days']) }}
