{{ affected_by("stg_product_categories_versions") }}

{{ current_rows(ref("stg_product_categories_versions")) }}
