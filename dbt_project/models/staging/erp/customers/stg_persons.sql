{{ affected_by("stg_persons_versions") }} {{ current_rows(ref("stg_persons_versions")) }}
