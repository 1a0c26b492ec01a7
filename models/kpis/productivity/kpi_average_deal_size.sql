with

won_deals as (
    select closed_on as event_on, amount, sales_rep_id, team, region, segment, lead_source, deal_type
    from {{ ref('fct_deals') }}
    where is_won
),

rolled as (
    {{ roll_up('won_deals',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
        sums={'won_amount': 'sum(amount)', 'deals': 'count(*)'},
        stats={'median': percentile(0.5, 'cast(amount as ' ~ double_type() ~ ')')},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        won_amount as numerator,
        deals as denominator,
        {{ ratio('won_amount', 'deals') }} as metric_value,
        median
    from rolled
)

{{ kpi_mart('measured', 'average_deal_size', extras=['median']) }}
