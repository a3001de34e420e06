select
    id as inventory_item_id,
    product_id,
    product_sku as sku,
    product_distribution_center_id as distribution_center_id,
    cost,
    created_at,
    {{ local_date("created_at") }} as created_date,
    sold_at,
    {{ local_date("sold_at") }} as sold_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("webshop", "inventory_items") }}
