select
    media_channel_id,
    media_channel_name,
    channel_type,
    description,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "media_channels") }}
