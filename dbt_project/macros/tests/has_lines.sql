{# Orders without a valid line: their amounts are in no fact. #}
{% test has_lines(model) %}

    select sales_order_id
    from {{ model }}
    where
        total_due <> 0
        and sales_order_id not in (select sales_order_id from {{ ref("stg_sales_order_details") }})

{% endtest %}
