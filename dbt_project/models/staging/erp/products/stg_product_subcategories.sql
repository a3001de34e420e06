{{ affected_by("stg_product_subcategories_versions") }}

{{ current_rows(ref("stg_product_subcategories_versions")) }}
