{# A column that every row has: looks at the rows that the window touched. #}
{% test has_value(model, column_name, touched) %}

select {{ touched | join(', ') }}
from {{ model }}
where {{ column_name }} is null
    and ({{ touched | join(', ') }}) in (select {{ touched | join(', ') }} from {{ ref('touched_sales') }})

{% endtest %}
