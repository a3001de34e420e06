select
    performance_date,
    campaign_id,
    spend,
    impressions,
    reach,
    clicks,
    conversions,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "campaign_performance") }}
