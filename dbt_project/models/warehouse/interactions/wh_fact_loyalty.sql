with

activities as (

    select * from {{ ref('stg_loyalty_activities') }} where {{ only_touched() }}

),

consumers as (

    select * from {{ ref('wh_consumer_identities') }} where source_system = 'crm'

),

identified as (

    select
        activities.*,
        consumers.consumer_key,
        activities.points_earned - activities.points_redeemed as points,
        {{ split_reference('activities.order_reference') }}
    from activities
    left join consumers on cast(activities.consumer_id as varchar) = consumers.source_id

),

final as (

    select
        loyalty_activity_id,
        activity_at,
        activity_date,
        consumer_key,
        activity_type,
        points_earned,
        points_redeemed,
        points,
        case
            when consumer_key is not null
                then cast(
                    sum(points) over (
                        partition by consumer_key
                        order by activity_at, loyalty_activity_id
                        rows unbounded preceding
                    ) as bigint
                )
        end as balance,
        source_system,
        order_id

    from identified

)

select * from final
