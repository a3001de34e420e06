select
    id as order_item_id,
    order_id,
    user_id,
    product_id,
    inventory_item_id,
    status as source_status,
    {{ order_status('status', 'returned_at') }} as item_status,
    sale_price,
    created_at,
    {{ local_date('created_at') }} as created_date,
    shipped_at,
    {{ local_date('shipped_at') }} as shipped_date,
    delivered_at,
    {{ local_date('delivered_at') }} as delivered_date,
    returned_at,
    {{ local_date('returned_at') }} as returned_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source('webshop', 'order_items') }}
