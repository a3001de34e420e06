{{ affected_by("stg_audience_segments_versions") }} {{ current_rows(ref("stg_audience_segments_versions")) }}
