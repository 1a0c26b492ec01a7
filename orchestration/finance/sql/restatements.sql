insert into finance.kpi_restatements by name
with

distinct_rows as (
    select distinct on (row_id)
        row_id, system_table, row_key, change, row_on, is_of_member, file_name, line, load_id, arrived_at
    from late_rows
    order by row_id, close_month, link, key
),

behind as (
    select
        figure_id,
        count(*) as row_count,
        min(arrived_at) as first_arrived_at,
        max(arrived_at) as last_arrived_at,
        bool_and(is_of_member) as is_of_members,
        bool_and(row_on > period_end) as is_later,
        list(
            {
                'system_table': system_table, 'row_key': row_key, 'change': change, 'row_on': row_on,
                'file_name': file_name, 'line': line, 'load_id': load_id, 'arrived_at': arrived_at
            }
            order by arrived_at, system_table, row_key
        )[:$most_rows] as changed_rows
    from figure_rows
    inner join differences using (figure_id)
    inner join distinct_rows using (row_id)
    group by figure_id
),

catalog as (
    select metric_id, name_en, name_ko, unit
    from build.kpi.kpi_catalog
    where is_primary_name
)

select
    close_month, version, null as restated_in_version, metric_id, name_en, name_ko, unit, period_grain, period_start,
    period_end, dimension, dimension_value, dimension_label, measure, reported_value, current_value,
    coalesce(current_value, 0) - coalesce(reported_value, 0) as difference,
    case
        when is_of_members then 'attributes'
        when is_later then 'later_events'
        when row_count > 0 then 'late_data'
        else coalesce(other_causes.cause, 'later_events')
    end as cause,
    other_causes.detail as cause_detail,
    coalesce(row_count, 0) as changed_row_count,
    coalesce(changed_rows, []) as changed_rows,
    first_arrived_at, last_arrived_at,
    ? as compared_run_id,
    ? as compared_as_of_date
from differences
left join behind using (figure_id)
left join catalog using (metric_id)
left join other_causes using (close_month)
order by all
