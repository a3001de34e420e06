{{ affected_by("stg_interactions_versions") }} {{ current_rows(ref("stg_interactions_versions")) }}
