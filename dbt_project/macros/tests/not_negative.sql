{#
    A column that is never below 0: looks at the rows that the window touched. `touched_keys` names the macro
    that lists them.
#}
{% test not_negative(model, column_name, touched, touched_keys) %}

select {{ touched | join(', ') }}, {{ column_name }}
from {{ model }}
where {{ column_name }} < 0
    and ({{ touched | join(', ') }}) in ({{ context[touched_keys]() }})

{% endtest %}
