select
    id as user_id,
    {{ normalised_email("email") }} as email,
    age,
    gender,
    city,
    state,
    country,
    latitude,
    longitude,
    traffic_source,
    created_at,
    {{ local_date("created_at") }} as created_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("webshop", "users") }}
