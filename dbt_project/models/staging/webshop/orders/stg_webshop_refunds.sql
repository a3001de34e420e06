{{ affected_by("stg_webshop_refunds_versions") }} {{ current_rows(ref("stg_webshop_refunds_versions")) }}
