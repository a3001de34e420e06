{{ affected_by("affected_attributions", day="order_date") }}

with

    orders as (

        select
            source_system,
            order_id,
            order_at,
            order_date,
            consumer_key,
            cast(sum(net_amount) as decimal(38, 6)) as revenue,
            cast(coalesce(sum(margin), 0) as decimal(38, 6)) as margin
        from {{ ref("wh_fact_sales") }}
        where is_sale and {{ is_affected() }}
        group by source_system, order_id, order_at, order_date, consumer_key

    ),

    channels as (select * from {{ ref("wh_dim_campaign_channels") }}),

    -- A click counts for the channel that its campaign ran on at the time of the click.
    clicks as (

        select
            touches.touch_id,
            touches.touched_at,
            touches.campaign_id,
            channels.media_channel_id,
            {{ consumer_key("touches.email", "marketing", "touches.email") }} as consumer_key
        from {{ ref("stg_campaign_touches") }} as touches
        left join
            channels
            on touches.campaign_id = channels.campaign_id
            and {{ as_of("channels", local_date("touches.touched_at")) }}
        where
            touches.touch_type = 'click'
            and touches.touched_at
            >= (select {{ dbt.dateadd("day", -var("attribution_days"), "min(order_at)") }} from orders)

    ),

    paths as (

        select
            orders.*,
            clicks.touch_id,
            clicks.campaign_id,
            clicks.media_channel_id,
            row_number() over (
                partition by orders.source_system, orders.order_id
                order by clicks.touched_at desc nulls last, clicks.touch_id desc nulls last
            ) as from_newest,
            count(*) over (partition by orders.source_system, orders.order_id) as clicks
        from orders
        inner join
            clicks
            on orders.consumer_key = clicks.consumer_key
            and clicks.touched_at >= {{ dbt.dateadd("day", -var("attribution_days"), "orders.order_at") }}
            and clicks.touched_at < orders.order_at
        where orders.revenue > 0

    ),

    shares as (

        select
            *,
            {{ equal_share("revenue", "clicks") }} as revenue_share,
            {{ equal_share("margin", "clicks") }} as margin_share
        from paths

    ),

    attributed as (

        select *, 'last_touch' as rule, revenue as attributed_revenue, margin as attributed_margin
        from shares
        where from_newest = 1

        union all

        select
            *,
            'linear' as rule,
            case
                when from_newest = 1 then revenue - revenue_share * (clicks - 1) else revenue_share
            end as attributed_revenue,
            case
                when from_newest = 1 then margin - margin_share * (clicks - 1) else margin_share
            end as attributed_margin
        from shares

    ),

    final as (

        select
            source_system,
            order_id,
            order_date,
            rule,
            touch_id,
            campaign_id,
            media_channel_id,
            cast(attributed_revenue as decimal(38, 6)) as attributed_revenue,
            cast(attributed_margin as decimal(38, 6)) as attributed_margin

        from attributed

    )

select *
from final
