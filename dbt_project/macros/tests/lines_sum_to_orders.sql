{#
    Law 3: the amounts allocated to an order's lines sum to the order's own, to the last digit.
    Orders without a valid line cannot be allocated: `has_lines` reports those.
#}
{% test lines_sum_to_orders(model) %}

    with

        lines as (

            select
                sales_order_id,
                sum(allocated_subtotal) as subtotal,
                sum(allocated_tax) as tax,
                sum(allocated_freight) as freight,
                sum(allocated_total_due) as total_due
            from {{ model }}
            where {{ of_affected() }}
            group by sales_order_id

        )

    select orders.sales_order_id
    from {{ ref("stg_sales_orders") }} as orders
    inner join lines on orders.sales_order_id = lines.sales_order_id
    where
        orders.subtotal <> lines.subtotal
        or orders.tax <> lines.tax
        or orders.freight <> lines.freight
        or orders.total_due <> lines.total_due

{% endtest %}
