select
    state_province_id,
    state_province_code,
    country_region_code,
    name as state_province,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "state_province") }}
