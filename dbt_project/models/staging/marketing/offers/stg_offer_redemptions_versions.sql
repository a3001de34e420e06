select
    redemption_id,
    offer_id,
    {{ our_word("order_system") }} as order_system,
    order_id,
    {{ normalised_email("consumer_email") }} as email,
    discount_amount,
    redeemed_at,
    {{ local_date("redeemed_at") }} as redeemed_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("marketing", "offer_redemptions") }}
