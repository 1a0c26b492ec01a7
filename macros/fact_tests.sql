{# The columns together name a row once, and none of them is NULL but those that may be blank (blank is one value). #}
{% test unique_key(model, columns, may_be_blank=[]) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns if column not in may_be_blank %}or {{ column }} is null {% endfor %}
{% endtest %}

{# None of the columns is NULL. Returns the rows that break it. #}
{% test columns_not_null(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}

{# Rows for which a condition does not hold (a NULL condition holds). #}
{% test holds(model, condition) %}
select *
from {{ model }}
where not ({{ condition }})
{% endtest %}

{#
    The intervals [first, end) of one member never overlap; with `may_touch: false` neither does one begin where another
    ends. `of` names the columns that are the member. Returns an interval that begins before the one before it has ended.
#}
{% test intervals_never_overlap(model, of, first, end, may_touch=true) %}
with

intervals as (
    select
        {{ of | join(', ') }},
        {{ first }},
        {{ end }},
        -- of intervals with the same bounds either may come first: each overlaps the other
        lag({{ end }}) over (partition by {{ of | join(', ') }} order by {{ first }}, {{ end }}) as previous_end
    from {{ model }}
)

select {{ of | join(', ') }}, {{ first }}, {{ end }}, previous_end
from intervals
where {{ first }} {{ '<' if may_touch else '<=' }} previous_end
{% endtest %}

{# The intervals [first, end) of a member follow each other without a gap, from the start of time to its end. Returns
   the members whose intervals do not. #}
{% test intervals_cover_all_time(model, of, first, end) %}
select {{ of | join(', ') }}, min({{ first }}) as first_day, max({{ end }}) as end_day
from {{ model }}
group by {{ of | join(', ') }}
having
    min({{ first }}) > {{ start_of_time() }}
    or max({{ end }}) < {{ end_of_time() }}
    or sum({{ days_between(first, end) }}) < {{ days_between(start_of_time(), end_of_time()) }}
{% endtest %}
