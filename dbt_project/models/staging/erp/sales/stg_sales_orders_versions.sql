select
    sales_order_id,
    order_date as order_at,
    {{ local_date('order_date') }} as order_date,
    {{ local_date('ship_date') }} as ship_date,
    case status
        when 1 then 'in process'
        when 2 then 'approved'
        when 3 then 'backordered'
        when 4 then 'rejected'
        when 5 then 'shipped'
        when 6 then 'cancelled'
        else 'unknown'
    end as order_status,
    case when online_order_flag then 'online' else 'reseller' end as sales_channel,
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

from {{ source('erp', 'sales_order_header') }}
