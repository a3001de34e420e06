{# A column that is never below 0: looks at the rows that changed in the staging model. #}
{% test not_negative(model, column_name, touched, changed_in) %}

select {{ touched | join(', ') }}, {{ column_name }}
from {{ model }}
where {{ column_name }} < 0
    and ({{ touched | join(', ') }}) in (
        select {{ touched | join(', ') }} from {{ changed_in }} where {{ in_window('_changed_at') }}
    )

{% endtest %}
