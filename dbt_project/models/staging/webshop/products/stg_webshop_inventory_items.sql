{{ affected_by("stg_webshop_inventory_items_versions") }}

{{ current_rows(ref("stg_webshop_inventory_items_versions")) }}
