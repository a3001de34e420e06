{#
    Rows that the window brought and whose parent is not there (yet): a reference that dangles. Half of an
    order may arrive before the other half, so this warns; the facts take the row in when its parent comes.
#}
{% test has_parent(model, column, to, field) %}

select child.{{ column }}
from {{ model }} as child
left join {{ to }} as parent on child.{{ column }} = parent.{{ field }}
where {{ in_window('child._changed_at') }}
    and child.{{ column }} is not null
    and parent.{{ field }} is null

{% endtest %}
