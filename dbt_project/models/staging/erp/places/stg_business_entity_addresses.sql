{{ affected_by("stg_business_entity_addresses_versions") }}

{{ current_rows(ref("stg_business_entity_addresses_versions")) }}
