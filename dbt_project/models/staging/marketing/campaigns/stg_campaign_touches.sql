{{ affected_by("stg_campaign_touches_versions") }} {{ current_rows(ref("stg_campaign_touches_versions")) }}
