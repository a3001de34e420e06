with

source as (

    {{ current_rows(source('webshop', 'orders'), config.get('unique_key')) }}

),

final as (

    select
        order_id,
        user_id,
        {{ known_value('status', webshop_statuses()) }} as order_status,
        num_of_item as item_count,
        created_at,
        {{ local_date('created_at') }} as created_date,
        shipped_at,
        {{ local_date('shipped_at') }} as shipped_date,
        delivered_at,
        {{ local_date('delivered_at') }} as delivered_date,
        returned_at,
        {{ local_date('returned_at') }} as returned_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_webshop_orders') }} is null

)

select * from final
