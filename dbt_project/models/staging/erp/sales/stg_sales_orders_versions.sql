select
    sales_order_id,
    order_date as order_at,
    {{ local_date("order_date") }} as order_date,
    {{ local_date("ship_date") }} as ship_date,
    status as source_status,
    {{ order_status("status") }} as order_status,
    case
        when online_order_flag then 'online' when not online_order_flag then 'reseller' else 'unknown'
    end as sales_channel,
    customer_id,
    territory_id,
    sub_total as subtotal,
    tax_amt as tax,
    freight,
    total_due,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "sales_order_header") }}
