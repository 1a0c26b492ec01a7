with

events as (
    {{ acquisition_costs() }}
)

{{ kpi('customer_acquisition_cost', 'events',
    cuts=['lead_source'],
    numerator='cost',
    denominator='new_customers',
    numerator_type=money(),
    sums={'ad_spend': 'sum(ad_spend)', 'sales_costs': 'cast(sum(sales_costs) as ' ~ money() ~ ')'},
) }}
