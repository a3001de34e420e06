{#
    The affected days of mrt_media_channels: of affected orders, and of campaign figures that changed (or their
    campaign).
#}
with

    final as (

        select sales_date as activity_date
        from {{ ref("affected_attributions") }}
        where sales_date is not null

        union

        select performance_date as activity_date
        from {{ ref("stg_campaign_performance_versions") }}
        where {{ changed_in_window() }} or campaign_id in ({{ changed_campaigns() }})

    )

select *
from final
