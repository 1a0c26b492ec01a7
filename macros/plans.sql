{#
    The months that plans (targets, quotas) are for: the body of a CTE with the plan's columns `of`, `month` (each of the
    `months` months from its own on) and `amount`, an even share of it to four decimals, the last month taking the rest.
    `plans` is a CTE with `of`, planned_month, months and amount (money).
#}
{% macro planned_months(plans, of) %}
    select
        {%- for column in of %}
        plans.{{ column }},
        {%- endfor %}
        {{ months_after('plans.planned_month', '(numbers.whole_number - 1)') }} as month,
        case
            when numbers.whole_number < plans.months then plans.share
            else plans.amount - plans.share * (plans.months - 1)
        end as amount
    from (
        select
            {{ of | join(', ') }}, planned_month, months, amount,
            cast(round(amount / months, 4) as {{ money() }}) as share
        from {{ plans }}
    ) as plans
    inner join ({{ whole_numbers(120) }}) as numbers on numbers.whole_number <= plans.months
{% endmacro %}
