select
    sales_return_id,
    sales_order_id,
    sales_order_detail_id,
    product_id,
    territory_id,
    return_date as returned_at,
    {{ local_date("return_date") }} as return_date,
    quantity as return_quantity,
    reason as return_reason,
    refund_amount,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "sales_return") }}
