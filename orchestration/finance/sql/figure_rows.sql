-- which late rows stand behind which figures: by metric, period and member
insert into figure_rows
select distinct figures.figure_id, traced.row_id
from ($figures) as figures
inner join metric_traces using (metric_id)
inner join traced
    on metric_traces.trace = traced.trace
    and $period
    and (
        figures.dimension = 'all'
        or traced.cuts[figures.dimension] = figures.dimension_value
        -- a fact without a cut's column says nothing about that cut, unless none of the metric's facts has it
        or (figures.metric_id, figures.dimension) not in (select (metric_id, cut) from metric_cuts)
    )
    and (traced.moved_cuts is null or list_contains(traced.moved_cuts, figures.dimension))
