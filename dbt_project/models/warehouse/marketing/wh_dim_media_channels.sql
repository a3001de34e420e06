{{ affected_by("stg_media_channels_versions") }}

with

    final as (

        select media_channel_id, media_channel_name, channel_type, description

        from {{ ref("stg_media_channels") }}

        where {{ is_affected() }}

    )

select *
from final
