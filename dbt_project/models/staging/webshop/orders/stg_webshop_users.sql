{{ affected_by("stg_webshop_users_versions") }} {{ current_rows(ref("stg_webshop_users_versions")) }}
