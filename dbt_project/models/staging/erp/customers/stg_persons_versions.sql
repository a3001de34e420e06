select
    business_entity_id,
    person_type,
    first_name,
    last_name,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "person") }}
