{{ affected_by("stg_touchpoints_versions") }} {{ current_rows(ref("stg_touchpoints_versions")) }}
