{{ affected_by("stg_sales_orders_versions") }} {{ current_rows(ref("stg_sales_orders_versions")) }}
