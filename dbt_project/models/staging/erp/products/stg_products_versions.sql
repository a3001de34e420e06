select
    product_id,
    product_number,
    name as product,
    product_subcategory_id,
    color,
    standard_cost,
    list_price,
    cast(sell_start_date as date) as sell_start_date,
    cast(sell_end_date as date) as sell_end_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "product") }}
