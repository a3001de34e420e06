{{ affected_by("stg_offers_versions") }} {{ current_rows(ref("stg_offers_versions")) }}
