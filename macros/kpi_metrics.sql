{# The metrics, in the catalogue's order; written out because dbt must know a model's refs before it reads the seed. #}
{% macro kpi_metrics() %}
    {{ return([
        'revenue',
        'new_customers',
        'lead_conversion_rate',
        'average_order_value',
        'sales_cycle_length',
        'mrr',
        'win_rate',
        'quota_attainment',
        'csat',
        'calls_and_emails',
        'pipeline_value',
    ]) }}
{% endmacro %}
