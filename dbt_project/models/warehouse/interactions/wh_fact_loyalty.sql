{{ affected_by("affected_loyalty") }}

with

    activities as (select * from {{ ref("stg_loyalty_activities") }} where {{ is_affected() }}),

    consumers as (select * from {{ ref("wh_consumer_identities") }} where source_system = 'crm'),

    booked as (

        select
            activities.*,
            consumers.consumer_key,
            activities.points_earned - activities.points_redeemed as points,
            {{ split_reference("activities.order_reference") }}
        from activities
        left join consumers on cast(activities.consumer_id as varchar) = consumers.source_id

    ),

    -- The balance before the first affected activity.
    before as (

        {% if is_incremental() -%}
            select consumer_key, sum(points) as points
            from {{ this }}
            where consumer_key in (select consumer_key from booked) and not {{ is_affected() }}
            group by consumer_key
        {%- else -%}select consumer_key, 0 as points from booked where 1 = 0
        {%- endif %}

    ),

    final as (

        select
            booked.loyalty_activity_id,
            booked.activity_at,
            booked.activity_date,
            booked.consumer_key,
            booked.activity_type,
            booked.points_earned,
            booked.points_redeemed,
            booked.points,
            case
                when booked.consumer_key is not null
                then
                    cast(
                        coalesce(before.points, 0) + sum(booked.points) over (
                            partition by booked.consumer_key
                            order by booked.activity_at, booked.loyalty_activity_id
                            rows unbounded preceding
                        ) as bigint
                    )
            end as balance,
            booked.source_system,
            booked.order_id

        from booked
        left join before on booked.consumer_key = before.consumer_key

    )

select *
from final
