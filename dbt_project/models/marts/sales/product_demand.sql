{{ affected_by("affected_product_days") }}

with

    movements as ({{ channel_movements(["product_key"]) }}),

    products as (select * from {{ ref("wh_dim_product") }}),

    daily as (

        select sales_date, product_key, {{ sales_measures() }}
        from movements
        where {{ is_affected() }}
        group by sales_date, product_key

    ),

    final as (

        select daily.*, products.product_number, products.product, products.subcategory, products.category
        from daily
        left join products on daily.product_key = products.product_key

    )

select *
from final
