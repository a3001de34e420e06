select
    interaction_id,
    consumer_id,
    touchpoint_id,
    interaction_type,
    resolution_status,
    satisfaction_score,
    interaction_at,
    {{ local_date("interaction_at") }} as interaction_date,
    resolved_at,
    {{ local_date("resolved_at") }} as resolved_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("crm", "interactions") }}
