{{ affected_by("affected_erp_returns") }}

with

    returns as (select * from {{ ref("stg_sales_returns") }} where {{ is_affected() }}),

    orders as (

        select *
        from {{ ref("stg_sales_orders") }}
        where sales_order_id in (select sales_order_id from returns)

    ),

    order_details as (

        select *
        from {{ ref("stg_sales_order_details") }}
        where sales_order_id in (select sales_order_id from returns)

    ),

    -- Left joins: a return counts even if it names no order, or one that is not there.
    final as (

        select
            returns.sales_return_id,
            returns.sales_order_id,
            returns.sales_order_detail_id,
            returns.return_date,
            orders.order_date,
            coalesce(orders.sales_channel, 'unknown') as sales_channel,
            orders.customer_id,
            coalesce(order_details.product_id, returns.product_id) as product_id,
            coalesce(orders.territory_id, returns.territory_id) as territory_id,
            returns.return_quantity,
            returns.refund_amount,
            returns.return_reason

        from returns
        left join orders on returns.sales_order_id = orders.sales_order_id
        left join
            order_details
            on returns.sales_order_id = order_details.sales_order_id
            and returns.sales_order_detail_id = order_details.sales_order_detail_id

    )

select *
from final
