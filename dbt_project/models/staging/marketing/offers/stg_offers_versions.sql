select
    offer_id,
    offer_name,
    offer_code,
    discount_pct,
    valid_from,
    valid_to,
    terms,
    max_usage,
    country,
    {{ foreign_key("special_offer_id", "erp") }} as special_offer_id,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "offers") }}
