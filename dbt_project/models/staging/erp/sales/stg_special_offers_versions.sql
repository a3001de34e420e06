select
    special_offer_id,
    description as special_offer,
    discount_pct,
    type as offer_type,
    category as offer_category,
    cast(start_date as date) as start_date,
    cast(end_date as date) as end_date,
    min_qty as min_quantity,
    max_qty as max_quantity,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "special_offer") }}
