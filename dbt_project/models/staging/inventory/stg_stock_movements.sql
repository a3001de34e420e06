{{ affected_by("stg_stock_movements_versions") }} {{ current_rows(ref("stg_stock_movements_versions")) }}
