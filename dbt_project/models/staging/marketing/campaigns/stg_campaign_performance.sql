{{ affected_by("stg_campaign_performance_versions") }}

with

    current_rows as ({{ current_rows(ref("stg_campaign_performance_versions")) }}),

    final as (

        select
            performance_date,
            campaign_id,
            spend,
            coalesce(impressions, 0) as impressions,
            coalesce(reach, 0) as reach,
            coalesce(clicks, 0) as clicks,
            coalesce(conversions, 0) as conversions,
            modified_at,
            _changed_at

        from current_rows

    )

select *
from final
