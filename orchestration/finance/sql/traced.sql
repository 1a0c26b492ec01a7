-- a row of a member that the close knew (an account, a rep) changes nothing about facts that are new or gone
create or replace temp table traced as
select distinct touched.close_month, touched.trace, touched.cuts, touched.moved_cuts, late_rows.row_id
from touched
inner join late_rows using (close_month, link, key)
where touched.is_changed or late_rows.change = 'new' or not late_rows.is_of_member
