select
    product_id,
    cast(start_date as date) as valid_from,
    list_price,
    start_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "product_list_price_history") }}
