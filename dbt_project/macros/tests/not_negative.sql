{# A column that is never below 0. A row that fails comes with its key, that of the model, and the value. #}
{% test not_negative(model, column_name, key) %}

    select {{ key | join(", ") }}, {{ column_name }} from {{ model }} where {{ column_name }} < 0

{% endtest %}
