-- in the order of the months, each as it was frozen
insert into finance.kpi_monthly_snapshots
select
    months.close_month, months.version, months.is_latest_version, months.closed_at, months.closed_by, months.run_id,
    $columns
from read_parquet([$files], filename = true, union_by_name = true) as figures
inner join sound_months on figures.filename = sound_months.figures
inner join finance.closed_months as months using (close_month, version)
