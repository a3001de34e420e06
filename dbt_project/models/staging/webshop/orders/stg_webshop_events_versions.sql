select
    id as event_id,
    user_id,
    session_id,
    sequence_number,
    event_type,
    traffic_source,
    browser,
    uri,
    city,
    state,
    created_at,
    {{ local_date("created_at") }} as created_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("webshop", "events") }}
