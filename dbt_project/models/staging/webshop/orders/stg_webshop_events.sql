{{ affected_by("stg_webshop_events_versions") }} {{ current_rows(ref("stg_webshop_events_versions")) }}
