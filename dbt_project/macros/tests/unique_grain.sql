{#
    The grain that the description states: no two rows with the same values in these columns, and no row
    without one. With `touched`, only the keys that the window touched are looked at, so that the check
    costs what the day's changes cost: those that `touched_by` lists, or those of a staging model's
    changed rows, `changed_in`; with `weekly`, only the window's weeks.
#}
{% test unique_grain(model, columns, touched=none, touched_by=none, touched_day=none, changed_in=none, weekly=false) %}

select
    {{ columns | join(', ') }},
    count(*) as copies
from {{ model }}
{% if touched -%}
where ({{ touched | join(', ') }}) in (
    select {{ touched | join(', ') }} from {{ changed_in or touched_by or ref('touched_sales') }}
    {% if changed_in %}where {{ in_window('_changed_at') }}{% endif %}
)
{% if touched_day %}    and {{ on_touched_days(touched_day, touched_by) }}{% endif %}
{%- elif weekly -%}
where {{ in_weeks_of_window('week_start') }}
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %}or {{ column }} is null {% endfor %}

{% endtest %}
