{#
    The grain that the description states: no two rows with the same values in these columns, and no row
    without one. With `touched`, only the keys that the window touched are looked at, so that the check
    costs what the day's changes cost; `touched_by` lists them, or the macro that `touched_keys` names.
#}
{% test unique_grain(model, columns, touched=none, touched_by=none, touched_keys=none) %}

select
    {{ columns | join(', ') }},
    count(*) as copies
from {{ model }}
{% if touched -%}
where ({{ touched | join(', ') }}) in (
    {%- if touched_keys %}
    {{ context[touched_keys]() }}
    {%- else %}
    select {{ touched | join(', ') }} from {{ touched_by or ref('touched_sales') }}
    {%- endif %}
)
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %}or {{ column }} is null {% endfor %}

{% endtest %}
