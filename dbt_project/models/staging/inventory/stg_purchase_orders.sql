{{ affected_by("stg_purchase_orders_versions") }} {{ current_rows(ref("stg_purchase_orders_versions")) }}
