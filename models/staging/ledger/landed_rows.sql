{#- The day that dates a row: when it begins, and where it has two, when it ends. #}
{%- set began = {
    'crm.leads': 'created_at', 'crm.deals': 'created_at', 'crm.deal_stage_changes': 'changed_at',
    'crm.activities': 'occurred_at', 'billing.orders': 'ordered_at', 'billing.refunds': 'refunded_at',
    'billing.subscription_changes': 'changed_at', 'marketing.ad_spend': 'spend_on',
    'marketing.social_engagements': 'engaged_on', 'support.inquiries': 'received_at',
    'support.csat_responses': 'responded_at', 'planning.sales_targets': 'target_month',
    'planning.sales_quotas': 'quota_month', 'planning.sales_costs': 'cost_month', 'planning.fx_rates': 'rate_on',
} -%}
{%- set ended = {'crm.deals': 'closed_at'} -%}
{#- Rows of these say what a member is, not what happened. #}
{%- set members = ['crm.accounts', 'crm.sales_reps', 'billing.products'] -%}
{#- Keys of other tables by which rows are looked for. #}
{%- set references = ['account_id', 'deal_id', 'lead_id', 'order_id', 'subscription_id'] -%}

{% for system, table in contract_tables() %}
{%- set system_table = system ~ '.' ~ table %}
{%- set names = contract_columns(system, table) | map(attribute='name') | list %}
{%- set began_at = began.get(system_table, 'null') %}
{%- set ended_at = 'coalesce(' ~ ended[system_table] ~ ', ' ~ began_at ~ ')' if system_table in ended else began_at %}
select
    '{{ system_table }}' as system_table,
    {{ row_key(system, table) }} as row_key,
    {%- for name in references %}
    cast({{ name if name in names else 'null' }} as {{ text_type() }}) as {{ name }},
    {%- endfor %}
    cast({{ began_at }} as date) as began_on,
    cast({{ ended_at }} as date) as row_on,
    {{ system_table in members }} as is_of_member,
    base._row_status in ('current', 'deleted', 'left_out') as is_current,
    base.updated_at,
    md5({{ row_text('base', names | reject('equalto', 'updated_at') | list) }}) as content_md5,
    base._file_id as file_id,
    base._file_name as file_name,
    base._line as line,
    base._load_id as load_id
from {{ ref('base_' ~ system ~ '__' ~ table) }} as base
where base._row_status <> 'quarantined'
{{ 'union all' if not loop.last }}
{% endfor %}
