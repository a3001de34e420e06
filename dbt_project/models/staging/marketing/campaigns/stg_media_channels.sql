{{ affected_by("stg_media_channels_versions") }} {{ current_rows(ref("stg_media_channels_versions")) }}
