{%- set by_period = var('lead_conversion_basis') == 'period' -%}
with

leads as (
    select
        created_on, converted_on, is_converted, is_qualified, sales_rep_id, team, lead_source,
        {{ days_between('created_on', 'converted_on') }} as days_to_conversion
    from {{ ref('fct_leads') }}
),

-- a lead counts in the period it was created in; its conversion also in the period it happened in
events as (
    select
        created_on as event_on, true as is_cohort, is_converted, is_qualified, days_to_conversion,
        sales_rep_id, team, lead_source
    from leads
    union all
    select
        converted_on as event_on, false as is_cohort, is_converted, is_qualified, days_to_conversion,
        sales_rep_id, team, lead_source
    from leads
    where is_converted
),

rolled as (
    {{ roll_up('events',
        cuts=['sales_rep', 'team', 'lead_source'],
        sums={
            'converted_leads': count_if('is_cohort and is_converted'),
            'leads': count_if('is_cohort'),
            'qualified_leads': count_if('is_cohort and is_qualified'),
            'conversions_in_period': count_if('not is_cohort'),
            'converted_within_30': count_if('is_cohort and days_to_conversion <= 30'),
            'converted_within_60': count_if('is_cohort and days_to_conversion <= 60'),
            'converted_within_90': count_if('is_cohort and days_to_conversion <= 90'),
        },
        keep_if=count_if('is_cohort') ~ ' > 0',
    ) }}
),

measured as (
    select
        rolled.period_grain,
        rolled.period_start,
        rolled.dimension,
        rolled.dimension_value,
        {{ 'rolled.conversions_in_period' if by_period else 'rolled.converted_leads' }} as numerator,
        rolled.leads as denominator,
        {{ ratio(
            'rolled.conversions_in_period' if by_period else 'rolled.converted_leads', 'rolled.leads'
        ) }} as metric_value,
        cast(rolled.qualified_leads as bigint) as qualified_leads,
        cast(rolled.conversions_in_period as bigint) as conversions_in_period,
        -- not before each lead of the period has had that long
        case
            when {{ days_after('periods.period_end', 30) }} <= {{ as_of_date() }}
                then {{ ratio('rolled.converted_within_30', 'rolled.leads') }}
        end as converted_within_30_days_share,
        case
            when {{ days_after('periods.period_end', 60) }} <= {{ as_of_date() }}
                then {{ ratio('rolled.converted_within_60', 'rolled.leads') }}
        end as converted_within_60_days_share,
        case
            when {{ days_after('periods.period_end', 90) }} <= {{ as_of_date() }}
                then {{ ratio('rolled.converted_within_90', 'rolled.leads') }}
        end as converted_within_90_days_share
    from rolled
    inner join {{ ref('dim_periods') }} as periods
        on rolled.period_grain = periods.period_grain and rolled.period_start = periods.period_start
)

{{ kpi_mart('measured', 'lead_conversion_rate',
    extras=[
        'qualified_leads', 'conversions_in_period', 'converted_within_30_days_share',
        'converted_within_60_days_share', 'converted_within_90_days_share',
    ],
) }}
