{%- set by_amount = var('win_rate_basis') == 'amount' -%}
with

closed_deals as (
    select
        closed_on as event_on, is_won, amount,
        sales_rep_id, team, region, segment, lead_source, deal_type
    from {{ ref('fct_deals') }}
    where is_closed
),

rolled as (
    {{ roll_up('closed_deals',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'deal_type'],
        sums={
            'won': count_if('is_won'),
            'closed': 'count(*)',
            'won_amount': sum_if('amount', 'is_won'),
            'closed_amount': 'sum(amount)',
        },
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {{ 'won_amount' if by_amount else 'won' }} as numerator,
        {{ 'closed_amount' if by_amount else 'closed' }} as denominator,
        {{ ratio('won_amount', 'closed_amount') if by_amount else ratio('won', 'closed') }} as metric_value,
        {{ ratio('won_amount', 'closed_amount') }} as win_rate_by_amount
    from rolled
)

{{ kpi_mart('measured', 'win_rate', extras=['win_rate_by_amount']) }}
