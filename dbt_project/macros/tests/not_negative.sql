{# A column is never below 0. A failing row comes with the model's key and the value. #}
{% test not_negative(model, column_name, key) %}

    select {{ key | join(", ") }}, {{ column_name }} from {{ model }} where {{ column_name }} < 0

{% endtest %}
