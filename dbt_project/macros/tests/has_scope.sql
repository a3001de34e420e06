{# Every touched row names what is to be computed anew: an order, or a day. #}
{% test has_scope(model) %}

select * from {{ model }} where scope is null or (sales_order_id is null and sales_date is null)

{% endtest %}
