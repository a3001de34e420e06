{{ affected_by("affected_erp_sales") }}

with

    orders as (select * from {{ ref("stg_sales_orders") }} where {{ is_affected() }}),

    order_details as (select * from {{ ref("stg_sales_order_details") }} where {{ is_affected() }}),

    returns as (select * from {{ ref("stg_sales_returns") }} where {{ is_affected() }}),

    products as (select * from {{ ref("stg_products") }}),

    -- The histories leave gaps of a day between two rows, so valid_to is the next row's valid_from.
    costs as (

        select
            product_id,
            valid_from,
            lead(valid_from) over (partition by product_id order by valid_from) as valid_to,
            standard_cost
        from {{ ref("stg_product_cost_history") }}

    ),

    list_prices as (

        select
            product_id,
            valid_from,
            lead(valid_from) over (partition by product_id order by valid_from) as valid_to,
            list_price
        from {{ ref("stg_product_list_price_history") }}

    ),

    returned as (

        select
            sales_order_id,
            sales_order_detail_id,
            sum(return_quantity) as return_quantity,
            sum(refund_amount) as refund_amount
        from returns
        group by sales_order_id, sales_order_detail_id

    ),

    lines as (

        select
            order_details.*,
            orders.order_at,
            orders.order_date,
            orders.ship_date,
            orders.order_status,
            {{ is_sale("orders.order_status") }} as is_sale,
            orders.sales_channel,
            orders.customer_id,
            orders.territory_id,
            orders.subtotal,
            orders.tax,
            orders.freight,
            orders.total_due,
            -- Line totals are the weights, negated where they sum to less than 0. Where they sum to 0, every
            -- line weighs the same.
            case
                sign(sum(order_details.line_total) over (partition by order_details.sales_order_id))
                when 1
                then {{ whole("order_details.line_total * 1000000") }}
                when -1
                then {{ whole("-order_details.line_total * 1000000") }}
                else 1
            end as weight
        from order_details
        inner join orders on order_details.sales_order_id = orders.sales_order_id

    ),

    weighted as (

        select
            *,
            {{ whole("sum(weight) over (partition by sales_order_id)") }} as total_weight,
            {{
                whole(
                    "sum(weight) over (partition by sales_order_id order by sales_order_detail_id rows unbounded preceding)"
                )
            }}
            as cumulative_weight
        from lines

    ),

    {% set previous_line = "partition by sales_order_id order by sales_order_detail_id" -%}

    allocated as (

        select
            *,
            {% for amount in [
                "subtotal",
                "tax",
                "freight",
                "total_due - coalesce(subtotal, 0) - coalesce(tax, 0) - coalesce(freight, 0)",
            ] -%}
                {{ allocate("(" ~ amount ~ ")", "cumulative_weight", "total_weight", previous_line) }}
                as allocated_{{ loop.cycle("subtotal", "tax", "freight", "difference") }}{{ ',' if not loop.last }}
            {% endfor %}
        from weighted

    ),

    final as (

        select
            allocated.sales_order_id,
            allocated.sales_order_detail_id,
            allocated.order_at,
            allocated.order_date,
            allocated.ship_date,
            allocated.order_status,
            allocated.is_sale,
            allocated.sales_channel,
            allocated.customer_id,
            allocated.product_id,
            allocated.territory_id,
            allocated.special_offer_id,
            allocated.quantity,
            cast(coalesce(list_prices.list_price, products.list_price) as decimal(19, 4)) as list_price,
            allocated.unit_price,
            allocated.unit_price_discount,
            coalesce(allocated.unit_price_discount, 0) > 0 as is_discounted,
            cast(
                coalesce(allocated.unit_price * allocated.quantity, allocated.line_total) as decimal(38, 6)
            ) as gross_amount,
            cast(coalesce(allocated.unit_price * allocated.quantity, allocated.line_total) as decimal(38, 6))
            - allocated.line_total as discount_amount,
            allocated.line_total,
            cast(coalesce(costs.standard_cost, products.standard_cost) as decimal(19, 4)) as unit_cost,
            cast(
                coalesce(costs.standard_cost, products.standard_cost) * allocated.quantity as decimal(38, 6)
            ) as line_cost,
            allocated.allocated_subtotal,
            allocated.allocated_tax,
            allocated.allocated_freight,
            cast(
                coalesce(allocated.allocated_subtotal, 0)
                + coalesce(allocated.allocated_tax, 0)
                + coalesce(allocated.allocated_freight, 0)
                + allocated.allocated_difference as decimal(19, 4)
            ) as allocated_total_due,
            coalesce(returned.return_quantity, 0) as return_quantity,
            cast(coalesce(returned.refund_amount, 0) as decimal(19, 4)) as refund_amount

        from allocated
        left join products on allocated.product_id = products.product_id
        left join
            costs on allocated.product_id = costs.product_id and {{ as_of("costs", "allocated.order_date") }}
        left join
            list_prices
            on allocated.product_id = list_prices.product_id
            and {{ as_of("list_prices", "allocated.order_date") }}
        left join
            returned
            on allocated.sales_order_id = returned.sales_order_id
            and allocated.sales_order_detail_id = returned.sales_order_detail_id

    )

select *
from final
