{{ affected_by("stg_distribution_centers_versions") }}

{{ current_rows(ref("stg_distribution_centers_versions")) }}
