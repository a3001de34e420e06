{# Every touched row names the order that is computed anew. #}
{% test names_an_order(model) %}

select * from {{ model }} where source_system is null or order_id is null

{% endtest %}
