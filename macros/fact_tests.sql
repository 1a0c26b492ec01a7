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
