{#
    Law 3: the net amounts and totals of an order's items sum to the order's own, to the last digit. Tax and freight are
    compared as part of the total.
#}
{% test items_sum_to_orders(model) %}

    with

        items as (

            select order_id, count(*) as items, sum(net_amount) as net_amount, sum(total_due) as total_due
            from {{ model }}
            where {{ of_affected() }}
            group by order_id

        ),

        priced as (

            select
                order_id,
                count(*) as items,
                sum(cast(sale_price * quantity as decimal(38, 6)) - coalesce(discount, 0)) as amount
            from {{ ref("stg_webshop_order_items") }}
            where cast(order_id as varchar) in (select order_id from items)
            group by order_id

        )

    select orders.order_id
    from {{ ref("stg_webshop_orders") }} as orders
    inner join priced on orders.order_id = priced.order_id
    inner join items on cast(orders.order_id as varchar) = items.order_id
    where
        items.items <> priced.items
        or items.net_amount <> priced.amount - coalesce(orders.discount, 0)
        or items.total_due <> orders.total

{% endtest %}
