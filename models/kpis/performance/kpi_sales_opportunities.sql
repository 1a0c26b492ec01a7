with

deals as (
    select
        created_on as event_on, amount, probability, is_lead_qualified,
        sales_rep_id, team, region, segment, lead_source, deal_type
    from {{ ref('fct_deals') }}
),

rolled as (
    {{ roll_up('deals',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
        sums={
            'deals': 'count(*)',
            'opportunity_amount': 'sum(amount)',
            'qualified_deals': count_if('is_lead_qualified'),
        },
        stats={'average_probability': mean('probability')},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        deals as numerator,
        deals as metric_value,
        cast(opportunity_amount as {{ money() }}) as opportunity_amount,
        cast(average_probability as {{ double_type() }}) as average_probability,
        {{ ratio('qualified_deals', 'deals') }} as qualified_share
    from rolled
)

{{ kpi_mart('measured', 'sales_opportunities',
    extras=['opportunity_amount', 'average_probability', 'qualified_share'], has_denominator=false,
) }}
