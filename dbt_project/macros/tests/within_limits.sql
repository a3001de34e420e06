{# Numbers that are not null lie within their limits, both included. #}
{% test within_limits(model, limits) %}

    select *
    from {{ model }}
    where
        {% for column, (lowest, highest) in limits.items() -%}
            {{ column }} < {{ lowest }} or {{ column }} > {{ highest }}{{ ' or ' if not loop.last }}
        {% endfor %}

{% endtest %}
