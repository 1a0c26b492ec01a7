{# The settings of dbt_project.yml as SQL. #}

{% macro as_of_date() -%}
    {%- set given = var('as_of_date', none) -%}
    {%- if given is none or given | string | lower in ('', 'none', 'null') -%}
        {%- set given = modules.datetime.datetime.now(modules.pytz.timezone(var('business_timezone'))).date() -%}
    {%- endif -%}
    cast('{{ given }}' as date)
{%- endmacro %}

{% macro reporting_currency() -%}
    '{{ var("reporting_currency") | upper }}'
{%- endmacro %}

{# The tables that a metric needs (seed metrics) under the settings: with bookings a sale is a won deal. #}
{% macro needs_under_the_settings(needs) -%}
    {%- set instead = {} -%}
    {%- if var('revenue_basis') == 'bookings' -%}
        {%- for table in ['billing.orders', 'billing.order_items', 'billing.refunds'] -%}
            {%- do instead.update({table: 'crm.deals'}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if var('cac_costs') == 'paid_only' -%}
        {%- do instead.update({'marketing.ad_spend/planning.sales_costs': 'marketing.ad_spend'}) -%}
    {%- endif -%}
    {{ 'replace(' * (instead | length) }}{{ needs }}
    {%- for table, other in instead.items() %}, '{{ table }}', '{{ other }}'){% endfor %}
{%- endmacro %}
