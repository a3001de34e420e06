{{ affected_by("stg_consumers_versions") }} {{ current_rows(ref("stg_consumers_versions")) }}
