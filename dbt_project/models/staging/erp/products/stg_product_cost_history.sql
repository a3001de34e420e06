{{ affected_by("stg_product_cost_history_versions") }}

{{ current_rows(ref("stg_product_cost_history_versions")) }}
