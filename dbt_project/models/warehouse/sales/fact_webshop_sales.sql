{{ affected_by("affected_orders", day="order_date") }}

{#
    The order items of affected web shop orders, each with its order and its share of the order's amounts. An item
    without its order, and an order without items, are left out until the other half arrives. The day of a return is the
    item's own, else its order's.

    amount = sale price * quantity - the line's own discount; net_amount = amount - its share of the order's discount.
    Tax and freight are the line's own where it has them; the rest of the order's is allocated to the lines without.
    total_due = net amount + tax + freight + a share of the difference between these and the order's total.
#}
{%- set in_order = "partition by order_id order by order_item_id" -%}
{#- For each amount, a condition: the line has its own, and so no share of the order's. -#}
{%- set parts = {"discount": "false", "tax": "tax is not null", "freight": "freight is not null"} -%}
with

    items as (

        select
            items.*,
            cast(items.sale_price * items.quantity as decimal(38, 6)) - coalesce(items.discount, 0) as amount,
            {% for part in ["discount", "tax", "freight", "total"] -%}
                orders.{{ part }} as order_{{ part }},
            {% endfor -%}
            orders.created_at as order_at,
            orders.created_date as order_date,
            orders.order_status,
            orders.user_id as order_user_id,
            orders.email,
            orders.shipped_date as order_shipped_date,
            orders.delivered_date as order_delivered_date,
            orders.returned_date as order_returned_date
        from {{ ref("stg_webshop_order_items") }} as items
        inner join {{ ref("stg_webshop_orders") }} as orders on items.order_id = orders.order_id
        where {{ is_affected_order_of("webshop", "items.order_id") }}

    ),

    -- Amounts are the weights, in ten-thousandths. Most shops have no order amounts to allocate.
    weighed as (

        select
            order_id,
            order_item_id,
            amount,
            tax,
            freight,
            {% for part in ["discount", "tax", "freight", "total"] -%} order_{{ part }}, {% endfor -%}
            {% for part, has_own in parts.items() -%}
                case
                    when {{ has_own }} then 0 else {{ whole("amount * 10000") }}
                end as {{ part }}_weight{{ ',' if not loop.last }}
            {% endfor %}
        from items
        where coalesce(order_discount, order_tax, order_freight, order_total) is not null

    ),

    -- Credits have negative weights; where weights sum to 0, every line weighs the same.
    signed as (

        select
            * exclude (discount_weight, tax_weight, freight_weight),
            {% for part, has_own in parts.items() -%}
                case
                    sign(sum({{ part }}_weight) over (partition by order_id))
                    when 1
                    then {{ part }}_weight
                    when -1
                    then -{{ part }}_weight
                    else case when {{ has_own }} then 0 else 1 end
                end as {{ part }}_weight{{ ',' if not loop.last }}
            {% endfor %}
        from weighed

    ),

    summed as (

        select
            *,
            {% for part in parts -%}
                {{ whole("sum(" ~ part ~ "_weight) over (partition by order_id)") }} as {{ part }}_total,
                {{ whole("sum(" ~ part ~ "_weight) over (" ~ in_order ~ " rows unbounded preceding)") }}
                as {{ part }}_cumulative,
            {% endfor -%}
            order_tax - coalesce(sum(tax) over (partition by order_id), 0) as rest_of_tax,
            order_freight - coalesce(sum(freight) over (partition by order_id), 0) as rest_of_freight,
            lead(order_item_id) over ({{ in_order }}) is null as is_last
        from signed

    ),

    shared as (

        select
            *,
            {{ allocate("coalesce(order_discount, 0)", "discount_cumulative", "discount_total", in_order) }}
            as share_of_discount,
            {% for part in ["tax", "freight"] -%}
                coalesce(
                    {{ part }},
                    {{
                        allocate(
                            "rest_of_" ~ part, part ~ "_cumulative", at_least(part ~ "_total", 1), in_order
                        )
                    }}
                ) as line_{{ part }}{{ ',' if not loop.last }}
            {% endfor %}
        from summed

    ),

    due as (

        select
            *,
            order_total
            - sum(amount - share_of_discount + coalesce(line_tax, 0) + coalesce(line_freight, 0)) over (
                partition by order_id
            ) as difference
        from shared

    ),

    differing as (

        select
            *,
            {{ allocate("difference", "discount_cumulative", "discount_total", in_order) }}
            as share_of_difference
        from due

    ),

    final as (

        select
            'webshop' as source_system,
            cast(items.order_id as varchar) as order_id,
            cast(items.order_item_id as varchar) as order_line_id,
            items.order_at,
            items.order_date,
            'webshop' as sales_channel,
            items.order_status,
            {{ is_sale("items.order_status") }} and {{ is_sale("items.item_status") }} as is_sale,
            cast(items.order_user_id as varchar) as consumer_source_id,
            {{ guest_key("items.email") }} as guest_key,
            cast(items.product_id as varchar) as product_source_id,
            items.product_id,
            items.inventory_item_id,
            items.sale_price,
            items.quantity,
            cast(items.amount - coalesce(differing.share_of_discount, 0) as decimal(38, 6)) as net_amount,
            cast(coalesce(differing.line_tax, items.tax) as decimal(19, 4)) as tax,
            cast(coalesce(differing.line_freight, items.freight) as decimal(19, 4)) as freight,
            cast(
                items.amount
                - coalesce(differing.share_of_discount, 0)
                + coalesce(differing.line_tax, items.tax, 0)
                + coalesce(differing.line_freight, items.freight, 0)
                + coalesce(differing.share_of_difference, 0)
                -- The last line takes the remainder, in digits beyond those of the shares.
                + case
                    when differing.is_last
                    then coalesce(differing.difference - cast(differing.difference as decimal(38, 4)), 0)
                    else 0
                end as decimal(38, 6)
            ) as total_due,
            coalesce(items.shipped_date, items.order_shipped_date) as shipped_date,
            coalesce(items.delivered_date, items.order_delivered_date) as delivered_date,
            coalesce(
                items.returned_date,
                case
                    when items.item_status = 'returned'
                    then coalesce(items.order_returned_date, items.refunded_date)
                end
            ) as returned_date,
            items.refund_amount,
            items.refunded_date
        from items
        left join differing on items.order_item_id = differing.order_item_id

    )

select *
from final
