{# A column that every row has: looks at the rows that the window touched; `touched_by` lists them. #}
{% test has_value(model, column_name, touched, touched_by=none) %}

select {{ touched | join(', ') }}
from {{ model }}
where {{ column_name }} is null
    and ({{ touched | join(', ') }}) in (select {{ touched | join(', ') }} from {{ touched_by or ref('touched_sales') }})

{% endtest %}
