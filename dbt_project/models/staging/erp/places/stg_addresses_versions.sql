select address_id, city, state_province_id, _modified_at, _changed_at, _loaded_at, _row_hash, _deleted_at

from {{ source("erp", "address") }}
