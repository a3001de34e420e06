select
    id as product_id,
    sku,
    name as product,
    brand,
    category,
    department,
    cost,
    retail_price,
    distribution_center_id,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("webshop", "products") }}
