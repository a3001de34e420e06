{{ affected_by("stg_webshop_distribution_centers_versions") }}

{{ current_rows(ref("stg_webshop_distribution_centers_versions")) }}
