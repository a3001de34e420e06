select
    payment_id,
    order_id,
    kind as payment_kind,
    amount,
    paid_at,
    {{ local_date("paid_at") }} as paid_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("webshop", "payments") }}
