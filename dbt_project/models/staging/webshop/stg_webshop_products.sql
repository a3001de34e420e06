with

source as (

    {{ current_rows(source('webshop', 'products'), ['id']) }}

),

final as (

    select
        id as product_id,
        sku,
        name as product,
        brand,
        category,
        department,
        cost,
        retail_price,
        distribution_center_id,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_webshop_products') }} is null

)

select * from final
