{{ affected_by("stg_shops_versions") }} {{ current_rows(ref("stg_shops_versions")) }}
