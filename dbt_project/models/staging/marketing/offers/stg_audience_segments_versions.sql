select
    audience_segment_id,
    segment_name,
    description,
    criteria,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "audience_segments") }}
