{{ affected_by("stg_places_versions") }} {{ current_rows(ref("stg_places_versions")) }}
