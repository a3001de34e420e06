select product_category_id, name as category, _modified_at, _changed_at, _loaded_at, _row_hash, _deleted_at

from {{ source("erp", "product_category") }}
