select
    shop_id,
    shop_name,
    {{ foreign_key("territory_id", "erp") }} as territory_id,
    city,
    state,
    country,
    latitude,
    longitude,
    opened_on,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("geo", "shops") }}
