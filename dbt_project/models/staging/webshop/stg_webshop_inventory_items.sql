with

source as (

    {{ current_rows(source('webshop', 'inventory_items'), ['id']) }}

),

final as (

    select
        id as inventory_item_id,
        product_id,
        product_sku as sku,
        product_distribution_center_id as distribution_center_id,
        cost,
        created_at,
        {{ local_date('created_at') }} as created_date,
        sold_at,
        {{ local_date('sold_at') }} as sold_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_webshop_inventory_items') }} is null

)

select * from final
