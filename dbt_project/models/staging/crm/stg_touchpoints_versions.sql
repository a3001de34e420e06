select
    touchpoint_id,
    touchpoint_name,
    touchpoint_type,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("crm", "touchpoints") }}
