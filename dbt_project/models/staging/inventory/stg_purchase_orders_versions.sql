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
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("inventory", "purchase_orders") }}
