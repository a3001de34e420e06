{#
    The grain that the description states: no two rows with the same values in these columns, and no row
    without one. With `touched`, only the keys that the window touched are looked at, so that the check
    costs what the day's changes cost; `touched_by` lists them, or they are those of the rows of `changed_in`,
    a staging model, that the window changed.
#}
{% test unique_grain(model, columns, touched=none, touched_by=none, changed_in=none) %}

select
    {{ columns | join(', ') }},
    count(*) as copies
from {{ model }}
{% if touched -%}
where ({{ touched | join(', ') }}) in (
    select {{ touched | join(', ') }} from {{ changed_in or touched_by or ref('touched_sales') }}
    where {{ in_window('_changed_at') if changed_in else 'true' }}
)
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %}or {{ column }} is null {% endfor %}

{% endtest %}
