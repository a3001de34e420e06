select
    product_subcategory_id,
    product_category_id,
    name as subcategory,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "product_subcategory") }}
