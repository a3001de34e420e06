select
    sales_order_id,
    sales_order_detail_id,
    product_id,
    special_offer_id,
    order_qty as quantity,
    unit_price,
    unit_price_discount,
    line_total,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "sales_order_detail") }}
