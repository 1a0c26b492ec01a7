-- the landed rows behind the differences of each closed month, with how many figures each changed
insert into finance.late_rows
select
    late.close_month, months.version, late.system_table, late.row_key, late.change, late.row_on, late.file_name,
    late.line, late.load_id, late.arrived_at, count(distinct figure_rows.figure_id) as figure_count
from late_rows as late
inner join (select close_month, version from closed_periods group by all) as months using (close_month)
inner join figure_rows using (row_id)
inner join differences
    on figure_rows.figure_id = differences.figure_id
    and late.close_month = differences.close_month
group by all
order by all
