{{ affected_by('affected_erp_sales') }}

with

movements as (

    {{ sales_movements(['product_id']) }}

),

products as (

    select * from {{ ref('stg_products') }}

),

daily as (

    select
        sales_date,
        product_id,
        {{ sales_measures() }}
    from movements
    where {{ is_affected() }}
    group by sales_date, product_id

),

final as (

    select
        daily.*,
        products.product_number,
        products.product,
        products.subcategory,
        products.category
    from daily
    left join products on daily.product_id = products.product_id

)

select * from final
