with

source as (

    {{ current_rows(source('erp', 'product_list_price_history'), config.get('unique_key')) }}

),

final as (

    select
        product_id,
        cast(start_date as date) as valid_from,
        list_price,
        start_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_product_list_price_history') }} is null

)

select * from final
