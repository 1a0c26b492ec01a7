with

lost_deals as (
    select
        closed_on as event_on, amount, {{ known('lost_reason') }} as lost_reason,
        sales_rep_id, team, segment, deal_type
    from {{ ref('fct_deals') }}
    where is_lost
),

rolled as (
    {{ roll_up('lost_deals',
        cuts=['lost_reason', 'sales_rep', 'team', 'segment', 'deal_type'],
        sums={'lost': 'count(*)', 'amount_lost': 'sum(amount)'},
    ) }}
),

all_lost as (
    select period_grain, period_start, lost from rolled
    where dimension = 'all'
),

measured as (
    select
        rolled.period_grain,
        rolled.period_start,
        rolled.dimension,
        rolled.dimension_value,
        rolled.lost as numerator,
        rolled.lost as metric_value,
        {{ ratio('rolled.lost', 'all_lost.lost') }} as lost_share,
        cast(rolled.amount_lost as {{ money() }}) as amount_lost
    from rolled
    inner join all_lost
        on rolled.period_grain = all_lost.period_grain and rolled.period_start = all_lost.period_start
)

{{ kpi_mart('measured', 'lost_reasons', extras=['lost_share', 'amount_lost'], has_denominator=false) }}
