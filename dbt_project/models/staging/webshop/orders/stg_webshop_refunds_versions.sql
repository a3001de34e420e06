select
    refund_id,
    order_id,
    order_item_id,
    product_id,
    quantity,
    amount,
    reason as refund_reason,
    refunded_at,
    {{ local_date("refunded_at") }} as refunded_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("webshop", "refunds") }}
