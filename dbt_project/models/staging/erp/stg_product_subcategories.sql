with

source as (

    {{ current_rows(source('erp', 'product_subcategory'), config.get('unique_key')) }}

),

final as (

    select
        product_subcategory_id,
        product_category_id,
        name as subcategory,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_product_subcategories') }} is null

)

select * from final
