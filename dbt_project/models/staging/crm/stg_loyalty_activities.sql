{{ affected_by("stg_loyalty_activities_versions") }}

with

    current_rows as ({{ current_rows(ref("stg_loyalty_activities_versions")) }}),

    final as (

        select
            loyalty_activity_id,
            consumer_id,
            activity_type,
            coalesce(points_earned, 0) as points_earned,
            coalesce(points_redeemed, 0) as points_redeemed,
            order_reference,
            activity_at,
            activity_date,
            modified_at,
            _changed_at

        from current_rows

    )

select *
from final
