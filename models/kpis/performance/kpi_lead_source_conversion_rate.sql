with

leads as (
    select
        lead_id, account_id, created_at, created_on, is_converted, converting_sale_id, lead_source
    from {{ ref('fct_leads') }}
),

sales as (
    select sale_id, amount from {{ ref('fct_sales') }}
),

-- a sale that converts several leads of its account is the earliest one's
ranked as (
    select
        lead_id,
        row_number() over (partition by converting_sale_id order by created_at, lead_id) as lead_rank
    from leads
    where converting_sale_id is not null
),

events as (
    select
        leads.created_on as event_on,
        leads.lead_source,
        true as is_lead,
        leads.is_converted,
        case when ranked.lead_rank = 1 then sales.amount else 0 end as converted_revenue,
        cast(0 as {{ money() }}) as ad_spend
    from leads
    left join ranked on leads.lead_id = ranked.lead_id
    left join sales on leads.converting_sale_id = sales.sale_id
    union all
    select
        spend_on as event_on,
        channel as lead_source,
        false as is_lead,
        false as is_converted,
        cast(0 as {{ money() }}) as converted_revenue,
        amount as ad_spend
    from {{ ref('fct_ad_spend') }}
),

rolled as (
    {{ roll_up('events',
        cuts=['lead_source'],
        sums={
            'converted_leads': count_if('is_converted'),
            'leads': count_if('is_lead'),
            'ad_spend': 'sum(ad_spend)',
            'converted_revenue': 'sum(converted_revenue)',
        },
        keep_if=count_if('is_lead') ~ ' > 0',
    ) }}
),

all_leads as (
    select period_grain, period_start, leads from rolled
    where dimension = 'all'
),

measured as (
    select
        rolled.period_grain,
        rolled.period_start,
        rolled.dimension,
        rolled.dimension_value,
        rolled.converted_leads as numerator,
        rolled.leads as denominator,
        {{ ratio('rolled.converted_leads', 'rolled.leads') }} as metric_value,
        {{ ratio('rolled.leads', 'all_leads.leads') }} as lead_share,
        cast(rolled.ad_spend as {{ money() }}) as ad_spend,
        {{ ratio('rolled.ad_spend', 'rolled.leads') }} as cost_per_lead,
        cast(rolled.converted_revenue as {{ money() }}) as converted_revenue
    from rolled
    inner join all_leads
        on rolled.period_grain = all_leads.period_grain and rolled.period_start = all_leads.period_start
)

{{ kpi_mart('measured', 'lead_source_conversion_rate',
    extras=['lead_share', 'ad_spend', 'cost_per_lead', 'converted_revenue'],
) }}
