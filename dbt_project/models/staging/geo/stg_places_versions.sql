select country, state, latitude, longitude, _modified_at, _changed_at, _loaded_at, _row_hash, _deleted_at

from {{ source("geo", "places") }}
