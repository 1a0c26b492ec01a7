-- targets of which a spreadsheet has a column a month
with

months as (
    {{ months_across('spreadsheets', 'sales_targets_by_month') }}
)

select
    _file_id,
    _line,
    _part,
    _left_out,
    month as target_month,
    lower(scope) as scope,
    scope_value,
    currency,
    {{ spreadsheet_number('amount', 'planning', 'sales_targets') }} as amount
from months
