with

    versions as (

        {{
            versions_by_day(
                ref("stg_campaigns_versions"),
                "campaign_id",
                ["media_channel_id"],
                "media_channel_id is not null",
            )
        }}

    ),

    known as (

        select * from versions where campaign_id in (select campaign_id from {{ ref("stg_campaigns") }})

    ),

    final as ({{ periods("known", "campaign_id", ["media_channel_id"]) }})

select *
from final
