with

source as (

    {{ current_rows(source('erp', 'sales_order_detail'), config.get('unique_key')) }}

),

final as (

    select
        sales_order_id,
        sales_order_detail_id,
        product_id,
        special_offer_id,
        order_qty as quantity,
        unit_price,
        unit_price_discount,
        line_total,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_sales_order_details') }} is null

)

select * from final
