select
    business_entity_id,
    address_id,
    address_type_id,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "business_entity_address") }}
