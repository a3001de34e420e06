{{ affected_by("stg_special_offers_versions") }} {{ current_rows(ref("stg_special_offers_versions")) }}
