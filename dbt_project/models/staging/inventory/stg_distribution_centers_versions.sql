select
    distribution_center_id,
    name as distribution_center_name,
    city,
    state,
    country,
    latitude,
    longitude,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("inventory", "distribution_centers") }}
