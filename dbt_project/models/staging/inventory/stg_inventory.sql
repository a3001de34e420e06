{{ affected_by("stg_inventory_versions") }} {{ current_rows(ref("stg_inventory_versions")) }}
