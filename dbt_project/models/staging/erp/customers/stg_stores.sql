{{ affected_by("stg_stores_versions") }} {{ current_rows(ref("stg_stores_versions")) }}
