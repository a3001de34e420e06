select
    customer_id,
    person_id,
    store_id,
    territory_id,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "customer") }}
