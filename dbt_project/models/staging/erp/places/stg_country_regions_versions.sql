select country_region_code, name as country, _modified_at, _changed_at, _loaded_at, _row_hash, _deleted_at

from {{ source("erp", "country_region") }}
