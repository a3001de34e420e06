{{ affected_by("stg_country_regions_versions") }} {{ current_rows(ref("stg_country_regions_versions")) }}
