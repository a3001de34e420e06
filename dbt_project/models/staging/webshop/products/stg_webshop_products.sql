{{ affected_by("stg_webshop_products_versions") }} {{ current_rows(ref("stg_webshop_products_versions")) }}
