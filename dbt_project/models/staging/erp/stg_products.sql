with

source as (

    {{ current_rows(source('erp', 'product'), config.get('unique_key'), whole=true) }}

),

subcategories as (

    select * from {{ ref('stg_product_subcategories') }}

),

categories as (

    select * from {{ ref('stg_product_categories') }}

),

final as (

    select
        source.product_id,
        source.product_number,
        source.name as product,
        subcategories.subcategory,
        categories.category,
        source.color,
        source.standard_cost,
        source.list_price,
        cast(source.sell_start_date as date) as sell_start_date,
        cast(source.sell_end_date as date) as sell_end_date,
        source._modified_at as modified_at,
        {{ window_start() }} as _changed_at

    from source
    left join subcategories on source.product_subcategory_id = subcategories.product_subcategory_id
    left join categories on subcategories.product_category_id = categories.product_category_id

    where {{ quarantine_reason('stg_products') }} is null

)

select * from final
