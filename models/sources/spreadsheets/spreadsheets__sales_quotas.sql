-- quotas of which a spreadsheet has a column a month
with

months as (
    {{ months_across('spreadsheets', 'sales_quotas_by_month') }}
)

select
    _file_id,
    _line,
    _part,
    _left_out,
    month as quota_month,
    rep_id,
    currency,
    {{ spreadsheet_number('amount', 'planning', 'sales_quotas') }} as amount
from months
