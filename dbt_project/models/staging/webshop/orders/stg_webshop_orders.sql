{{ affected_by("stg_webshop_orders_versions") }} {{ current_rows(ref("stg_webshop_orders_versions")) }}
