{{ affected_by("stg_webshop_order_items_versions") }}

{{ current_rows(ref("stg_webshop_order_items_versions")) }}
