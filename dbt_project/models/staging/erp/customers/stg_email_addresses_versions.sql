select
    business_entity_id,
    email_address_id,
    {{ normalised_email("email_address") }} as email,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "email_address") }}
