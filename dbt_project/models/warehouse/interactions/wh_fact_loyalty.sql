with

activities as (

    select * from {{ ref('stg_loyalty_activities') }} where {{ only_touched() }}

),

consumers as (

    select * from {{ ref('wh_consumer_identities') }} where source_system = 'crm'

),

touched as (

    select
        activities.*,
        consumers.consumer_key,
        activities.points_earned - activities.points_redeemed as points,
        {{ split_reference('activities.order_reference') }}
    from activities
    left join consumers on cast(activities.consumer_id as varchar) = consumers.source_id

),

-- What a consumer had before the first activity that is counted anew.
before as (

    {% if is_incremental() -%}
    select
        consumer_key,
        sum(points) as points
    from {{ this }}
    where consumer_key in (select consumer_key from touched)
        and not {{ only_touched() }}
    group by consumer_key
    {%- else -%}
    select
        consumer_key,
        0 as points
    from touched
    where 1 = 0
    {%- endif %}

),

final as (

    select
        touched.loyalty_activity_id,
        touched.activity_at,
        touched.activity_date,
        touched.consumer_key,
        touched.activity_type,
        touched.points_earned,
        touched.points_redeemed,
        touched.points,
        case
            when touched.consumer_key is not null
                then cast(
                    coalesce(before.points, 0) + sum(touched.points) over (
                        partition by touched.consumer_key
                        order by touched.activity_at, touched.loyalty_activity_id
                        rows unbounded preceding
                    ) as bigint
                )
        end as balance,
        touched.source_system,
        touched.order_id

    from touched
    left join before on touched.consumer_key = before.consumer_key

)

select * from final
