select
    audience_segment_id,
    consumer_email,
    {{ normalised_email("consumer_email") }} as email,
    added_at,
    {{ local_date("added_at") }} as added_date,
    removed_at,
    {{ local_date("removed_at") }} as removed_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "audience_members") }}
