{{ affected_by("stg_addresses_versions") }} {{ current_rows(ref("stg_addresses_versions")) }}
