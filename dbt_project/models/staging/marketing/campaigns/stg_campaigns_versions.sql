select
    campaign_id,
    campaign_name,
    media_channel_id,
    audience_segment_id,
    offer_id,
    start_date,
    end_date,
    budget,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "campaigns") }}
