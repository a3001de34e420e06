select business_entity_id, name as store_name, _modified_at, _changed_at, _loaded_at, _row_hash, _deleted_at

from {{ source("erp", "store") }}
