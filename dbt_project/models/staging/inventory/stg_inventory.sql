with

source as (

    {{ current_rows(source('inventory', 'stock_levels'), config.get('unique_key')) }}

),

final as (

    select
        snapshot_date,
        distribution_center_id,
        sku,
        quantity_on_hand,
        reorder_level,
        safety_stock,
        unit_cost,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_inventory') }} is null

)

select * from final
