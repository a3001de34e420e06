{{ affected_by("stg_sales_territories_versions") }} {{ current_rows(ref("stg_sales_territories_versions")) }}
