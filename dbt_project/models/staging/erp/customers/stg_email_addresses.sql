{{ affected_by("stg_email_addresses_versions") }} {{ current_rows(ref("stg_email_addresses_versions")) }}
