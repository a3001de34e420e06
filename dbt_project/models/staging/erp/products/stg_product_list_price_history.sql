{{ affected_by("stg_product_list_price_history_versions") }}

{{ current_rows(ref("stg_product_list_price_history_versions")) }}
