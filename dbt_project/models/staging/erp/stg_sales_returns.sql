with

source as (

    {{ current_rows(source('erp', 'sales_return'), config.get('unique_key')) }}

),

final as (

    select
        sales_return_id,
        sales_order_id,
        sales_order_detail_id,
        return_date as returned_at,
        {{ local_date('return_date') }} as return_date,
        quantity as return_quantity,
        reason as return_reason,
        refund_amount,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_sales_returns') }} is null

)

select * from final
