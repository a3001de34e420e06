select
    snapshot_date,
    distribution_center_id,
    sku,
    quantity_on_hand,
    reorder_level,
    safety_stock,
    unit_cost,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("inventory", "stock_levels") }}
