{%- set by_period = var('lead_conversion_basis') == 'period' -%}
{%- set converted = 'is_conversion' if by_period else 'is_cohort and is_converted' -%}
{#- not before each lead of the period has had that long -#}
{%- set windows = {} -%}
{%- for days in [30, 60, 90] -%}
    {%- do windows.update({
        'converted_within_' ~ days ~ '_days_share':
            'case when ' ~ days_after('periods.period_end', days) ~ ' <= ' ~ as_of_date()
            ~ ' then ' ~ ratio('converted_within_' ~ days, 'leads') ~ ' end',
    }) -%}
{%- endfor -%}
with

leads as (
    select
        lead_id, created_on, converted_on, is_converted, is_qualified, sales_rep_id, team, converted_team,
        lead_source, {{ days_between('created_on', 'converted_on') }} as days_to_conversion
    from {{ ref('fct_leads') }}
),

-- a lead counts in the period it was created in; its conversion also in the period it happened in
events as (
    select
        created_on as event_on, lead_id as fact_key, true as is_cohort, false as is_conversion, is_converted,
        is_qualified, days_to_conversion, sales_rep_id, team, lead_source
    from leads
    union all
    select
        converted_on as event_on, lead_id as fact_key, false as is_cohort, true as is_conversion, is_converted,
        is_qualified, days_to_conversion, sales_rep_id, converted_team as team, lead_source
    from leads
    where is_converted
)

{{ kpi('lead_conversion_rate', 'events',
    cuts=['sales_rep', 'team', 'lead_source'],
    numerator=one_if(converted),
    denominator=one_if('is_cohort'),
    fact='fct_leads',
    sums={
        'qualified_leads': count_if('is_cohort and is_qualified'),
        'conversions_in_period': count_if('is_conversion'),
    },
    parts={
        'leads': count_if('is_cohort'),
        'converted_within_30': count_if('is_cohort and days_to_conversion <= 30'),
        'converted_within_60': count_if('is_cohort and days_to_conversion <= 60'),
        'converted_within_90': count_if('is_cohort and days_to_conversion <= 90'),
    },
    derived=windows,
    keep_if=none if by_period else count_if('is_cohort') ~ ' > 0',
) }}
