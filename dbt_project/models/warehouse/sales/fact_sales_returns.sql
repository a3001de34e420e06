{{ affected_by('affected_erp_sales') }}

with

returns as (

    select * from {{ ref('stg_sales_returns') }} where {{ is_affected() }}

),

orders as (

    select * from {{ ref('stg_sales_orders') }} where {{ is_affected() }}

),

order_details as (

    select * from {{ ref('stg_sales_order_details') }} where {{ is_affected() }}

),

final as (

    select
        returns.sales_return_id,
        returns.sales_order_id,
        returns.sales_order_detail_id,
        returns.return_date,
        orders.order_date,
        orders.sales_channel,
        orders.customer_id,
        order_details.product_id,
        orders.territory_id,
        returns.return_quantity,
        returns.refund_amount,
        returns.return_reason

    from returns
    inner join orders on returns.sales_order_id = orders.sales_order_id
    inner join order_details
        on returns.sales_order_id = order_details.sales_order_id
        and returns.sales_order_detail_id = order_details.sales_order_detail_id

)

select * from final
