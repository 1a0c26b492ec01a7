with

costs as (
    select cost_month, cost_type, amount from {{ ref('fct_sales_costs') }}
),

numbers as (
    {{ whole_numbers(31) }}
),

-- each day of the month takes its even share; a day after the as-of date has cost nothing yet
days as (
    select
        costs.cost_month,
        costs.cost_type,
        {{ days_after('costs.cost_month', '(numbers.whole_number - 1)') }} as cost_on,
        costs.amount,
        {{ days_between('costs.cost_month', months_after('costs.cost_month', 1)) }} as days_in_month
    from costs
    inner join numbers
        on {{ days_after('costs.cost_month', '(numbers.whole_number - 1)') }}
        < {{ months_after('costs.cost_month', 1) }}
)

select
    cost_on,
    cost_type,
    -- ten decimals, so that the days of a month add up to its cost to the fourth
    cast(round(cast(amount as {{ double_type() }}) / days_in_month, 10) as {{ daily_share_type() }}) as amount
from days
where cost_on <= {{ as_of_date() }}
