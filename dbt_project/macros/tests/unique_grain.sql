{# The grain that the description states: no two rows with the same values in these columns, and none of them null. #}
{% test unique_grain(model, columns) %}

    select {{ columns | join(", ") }}, count(*) as copies
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}

{% endtest %}
