select
    touch_id,
    {{ normalised_email("consumer_email") }} as email,
    campaign_id,
    {{ our_word("touch_type") }} as touch_type,
    touched_at,
    {{ local_date("touched_at") }} as touched_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "campaign_touches") }}
