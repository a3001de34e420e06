{{ affected_by("stg_sales_order_details_versions") }}

{{ current_rows(ref("stg_sales_order_details_versions")) }}
