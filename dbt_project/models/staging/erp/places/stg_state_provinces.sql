{{ affected_by("stg_state_provinces_versions") }} {{ current_rows(ref("stg_state_provinces_versions")) }}
