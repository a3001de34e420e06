select
    consumer_id,
    {{ normalised_email("consumer_email") }} as email,
    date_of_birth,
    gender,
    city,
    state,
    country,
    latitude,
    longitude,
    loyalty_points,
    coalesce(marketing_opt_in, false) as marketing_opt_in,
    created_at,
    {{ local_date("created_at") }} as created_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("crm", "consumers") }}
