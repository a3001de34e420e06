{{ affected_by("stg_campaigns_versions") }} {{ current_rows(ref("stg_campaigns_versions")) }}
