{{ affected_by("stg_audience_members_versions") }} {{ current_rows(ref("stg_audience_members_versions")) }}
