with

source as (

    {{ current_rows(source('erp', 'product_category'), config.get('unique_key')) }}

),

final as (

    select
        product_category_id,
        name as category,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_product_categories') }} is null

)

select * from final
