with

source as (

    {{ current_rows(source('inventory', 'purchase_orders'), config.get('unique_key')) }}

),

final as (

    select
        purchase_order_id,
        sku,
        supplier,
        distribution_center_id,
        status as order_status,
        order_date,
        expected_date,
        received_date,
        quantity_ordered,
        coalesce(quantity_received, 0) as quantity_received,
        unit_cost,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_purchase_orders') }} is null

)

select * from final
