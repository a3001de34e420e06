{{ affected_by("stg_webshop_payments_versions") }} {{ current_rows(ref("stg_webshop_payments_versions")) }}
