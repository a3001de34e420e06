{{ affected_by("affected_product_days") }}

with

    movements as ({{ channel_movements(["product_key"]) }}),

    products as (select * from {{ ref("wh_dim_product") }}),

    history as (select * from {{ ref("wh_dim_product_history") }}),

    daily as (

        select sales_date, product_key, {{ channel_measures() }}
        from movements
        where {{ is_affected() }}
        group by sales_date, product_key

    ),

    described as (

        select
            daily.*,
            products.product_number,
            products.product,
            products.category,
            products.subcategory,
            products.brand,
            history.list_price
        from daily
        left join products on daily.product_key = products.product_key
        left join
            history on daily.product_key = history.product_key and {{ as_of("history", "daily.sales_date") }}

    ),

    final as (

        select
            sales_date,
            product_key,
            product_number,
            product,
            category,
            subcategory,
            brand,
            orders,
            order_lines,
            quantity,
            gross_sales,
            discount_amount,
            net_sales,
            cost,
            margin,
            uncosted_net_sales,
            returned_quantity,
            refund_amount,
            list_price,
            {{ ratio("net_sales", "quantity") }} as average_price,
            {{ ratio("net_sales", "list_price * quantity") }} as price_realised,
            {{ ratio("margin", "net_sales - uncosted_net_sales") }} as margin_rate,
            {{ ratio("net_sales", "sum(net_sales) over (partition by sales_date, category)") }}
            as share_of_category,
            rank() over (
                partition by sales_date, category order by net_sales desc nulls last
            ) as rank_in_category

        from described

    )

select *
from final
