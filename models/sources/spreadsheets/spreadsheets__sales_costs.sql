-- costs of which a spreadsheet has a column a month
with

months as (
    {{ months_across('spreadsheets', 'sales_costs_by_month') }}
)

select
    _file_id,
    _line,
    _part,
    _left_out,
    month as cost_month,
    cost_type,
    currency,
    {{ spreadsheet_number('amount', 'planning', 'sales_costs') }} as amount
from months
