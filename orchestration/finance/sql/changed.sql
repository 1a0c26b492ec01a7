-- the rows of a fact that are not as they were, before and after; moved_cuts names the cuts of a row that changed in
-- nothing but its attributes (its rep's team, say), and is NULL where more changed
create or replace temp table changed as
with

before as (
    select $columns from $frozen where ($rows) and ($compared)
),

after as (
    select $columns from $today where ($rows) and ($compared)
),

was as (
    from before except all from after
),

is_now as (
    from after except all from before
),

pairs as (
    select
        $key,
        case when $only_cuts_moved then list_filter([$moved_cuts], lambda cut: cut is not null) end as moved_cuts
    from was
    inner join is_now on $same_key_was_and_now
),

either as (
    from was union all from is_now
)

select either.*, pairs.moved_cuts, pairs.$first_key is not null as is_changed
from either
left join pairs on $same_key_either_and_pairs
