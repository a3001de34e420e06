select
    loyalty_activity_id,
    consumer_id,
    {{ our_word("activity_type") }} as activity_type,
    points_earned,
    points_redeemed,
    order_reference,
    activity_at,
    {{ local_date("activity_at") }} as activity_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("crm", "loyalty_activities") }}
