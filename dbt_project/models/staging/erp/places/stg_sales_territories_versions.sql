select
    territory_id,
    name as territory,
    country_region_code,
    territory_group,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("erp", "sales_territory") }}
