{{ config(materialized='table') }}

{# Days that mrt_media_channels computes anew: of touched orders, and of figures that changed or whose campaign did. #}

with

final as (

    select sales_date as activity_date from {{ ref('touched_attributions') }} where sales_date is not null

    union

    select performance_date as activity_date
    from {{ source('marketing', 'campaign_performance') }}
    where {{ changed_in_window() }}
        or campaign_id in ({{ changed_campaigns() }})

)

select * from final
