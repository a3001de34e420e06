{{ affected_by("affected_interactions") }}

with

    interactions as (select * from {{ ref("stg_interactions") }} where {{ is_affected() }}),

    touchpoints as (select * from {{ ref("stg_touchpoints") }}),

    consumers as (select * from {{ ref("wh_consumer_identities") }} where source_system = 'crm'),

    final as (

        select
            interactions.interaction_id,
            interactions.interaction_at,
            interactions.interaction_date,
            consumers.consumer_key,
            interactions.touchpoint_id,
            touchpoints.touchpoint_name,
            touchpoints.touchpoint_type,
            interactions.interaction_type,
            interactions.resolution_status,
            interactions.resolved_at,
            {{ hours_between("interactions.interaction_at", "interactions.resolved_at") }}
            as hours_to_resolution,
            interactions.satisfaction_score

        from interactions
        left join touchpoints on interactions.touchpoint_id = touchpoints.touchpoint_id
        left join consumers on cast(interactions.consumer_id as varchar) = consumers.source_id

    )

select *
from final
