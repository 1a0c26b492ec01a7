-- a bridge's rows: those of closed months as they were reported, of the others as today's data has them
create or replace temp table bridge_months as
select closed.*, true as is_closed, latest.version
from $closed as closed
inner join latest on closed.month = latest.close_month
union all by name
select today.*, false as is_closed, cast(null as integer) as version
from $today as today
anti join latest on today.month = latest.close_month
