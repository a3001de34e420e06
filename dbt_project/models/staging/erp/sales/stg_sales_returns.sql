{{ affected_by("stg_sales_returns_versions") }} {{ current_rows(ref("stg_sales_returns_versions")) }}
