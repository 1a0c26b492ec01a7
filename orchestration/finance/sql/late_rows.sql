-- the landed rows behind the facts that changed: current, of a file that the close did not know, with a new content
insert into late_rows
with

wanted as (
    select touched.close_month, touched.link, touched.key, links.system_table, links.ledger_column, links.last_on
    from touched
    inner join links using (close_month, link)
    group by all
),

found as (
    $found
),

late as (
    select found.*, new_files.loaded_at
    from found
    inner join new_files using (close_month, system_table, file_id)
),

-- what the close knew of the same rows: of several versions the one that counted
known as (
    select keys.close_month, ledger.system_table, ledger.row_key, ledger.content_md5
    from (select close_month, system_table, row_key from late group by all) as keys
    inner join build.meta.landed_rows as ledger using (system_table, row_key)
    anti join new_files
        on keys.close_month = new_files.close_month
        and ledger.system_table = new_files.system_table
        and ledger.file_id = new_files.file_id
    qualify row_number() over (
        partition by keys.close_month, ledger.system_table, ledger.row_key
        order by ledger.updated_at desc nulls last, ledger.file_name desc, ledger.file_id desc, ledger.line desc
    ) = 1
)

select
    late.close_month,
    late.link,
    late.key,
    late.system_table || '|' || late.file_id || '|' || late.line as row_id,
    late.system_table,
    late.row_key,
    case when known.row_key is null then 'new' else 'changed' end as change,
    late.row_on,
    late.is_of_member,
    late.file_name,
    late.line,
    late.load_id,
    late.loaded_at
from late
left join known
    on late.close_month = known.close_month
    and late.system_table = known.system_table
    and late.row_key = known.row_key
where late.content_md5 is distinct from known.content_md5
