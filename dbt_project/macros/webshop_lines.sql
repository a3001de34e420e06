{#
    The web shop's order items of the affected orders, each with its order: an item without its order, and an
    order without an item, wait for the other half. An item came back on its own day, or on its order's.
#}
{% macro webshop_lines() -%}
    select
        'webshop' as source_system,
        cast(items.order_id as varchar) as order_id,
        cast(items.order_item_id as varchar) as order_line_id,
        orders.created_at as order_at,
        orders.created_date as order_date,
        'webshop' as sales_channel,
        orders.order_status,
        {{ is_sale('orders.order_status') }} and {{ is_sale('items.item_status') }} as is_sale,
        cast(orders.user_id as varchar) as consumer_source_id,
        cast(items.product_id as varchar) as product_source_id,
        items.product_id,
        items.inventory_item_id,
        items.sale_price,
        coalesce(items.shipped_date, orders.shipped_date) as shipped_date,
        coalesce(items.delivered_date, orders.delivered_date) as delivered_date,
        coalesce(items.returned_date, case when items.item_status = 'returned' then orders.returned_date end)
            as returned_date
    from {{ ref('stg_webshop_order_items') }} as items
    inner join {{ ref('stg_webshop_orders') }} as orders on items.order_id = orders.order_id
    where {{ is_affected_order_of('webshop', 'items.order_id') }}
{%- endmacro %}
