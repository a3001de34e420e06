{# Days that mrt_media_channels computes again: of affected orders, and of figures that changed or whose campaign did. #}
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
