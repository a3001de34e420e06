{{ affected_by("affected_media_days") }}

with

    performance as (

        select performance_date as activity_date, campaign_id, spend, impressions, reach, clicks, conversions
        from {{ ref("stg_campaign_performance") }}

    ),

    campaign_channels as (select * from {{ ref("wh_dim_campaign_channels") }}),

    attribution as (

        select
            order_date as activity_date,
            coalesce(media_channel_id, cast('0' as {{ key_type("marketing") }})) as media_channel_id,
            source_system || ':' || order_id as order_key,
            rule,
            attributed_revenue,
            attributed_margin
        from {{ ref("wh_fact_attribution") }}

    ),

    reported as (

        select
            performance.activity_date,
            coalesce(
                campaign_channels.media_channel_id, cast('0' as {{ key_type("marketing") }})
            ) as media_channel_id,
            performance.spend,
            performance.impressions,
            performance.reach,
            performance.clicks,
            performance.conversions,
            cast(null as varchar) as last_order,
            cast(null as varchar) as assisted_order,
            {% for rule in ["last_touch", "linear"] -%}
                0 as {{ rule }}_revenue, 0 as {{ rule }}_margin{{ ',' if not loop.last }}
            {% endfor %}
        from performance
        left join
            campaign_channels
            on performance.campaign_id = campaign_channels.campaign_id
            and {{ as_of("campaign_channels", "performance.activity_date") }}
        where {{ is_affected() }}

    ),

    owed as (

        select
            activity_date,
            media_channel_id,
            0 as spend,
            0 as impressions,
            0 as reach,
            0 as clicks,
            0 as conversions,
            case when rule = 'last_touch' then order_key end as last_order,
            case when rule = 'linear' then order_key end as assisted_order,
            {% for rule in ["last_touch", "linear"] -%}
                case when rule = '{{ rule }}' then attributed_revenue else 0 end as {{ rule }}_revenue,
                case
                    when rule = '{{ rule }}' then attributed_margin else 0
                end as {{ rule }}_margin{{ ',' if not loop.last }}
            {% endfor %}
        from attribution
        where {{ is_affected() }}

    ),

    activity as (

        select *
        from reported
        union all
        select *
        from owed

    ),

    daily as (

        select
            activity_date,
            media_channel_id,
            cast(sum(spend) as decimal(38, 4)) as spend,
            {% for count in ["impressions", "reach", "clicks", "conversions"] -%}
                cast(sum({{ count }}) as bigint) as {{ count }},
            {% endfor -%}
            count(last_order) as attributed_orders,
            count(distinct assisted_order) as assisted_orders,
            {% for rule in ["last_touch", "linear"] -%}
                cast(sum({{ rule }}_revenue) as decimal(38, 6)) as {{ rule }}_revenue,
                cast(sum({{ rule }}_margin) as decimal(38, 6)) as {{ rule }}_margin{{ ',' if not loop.last }}
            {% endfor %}
        from activity
        group by activity_date, media_channel_id

    ),

    final as (

        select
            daily.activity_date,
            daily.media_channel_id,
            coalesce(channels.media_channel_name, 'unknown') as media_channel_name,
            coalesce(channels.channel_type, 'unknown') as channel_type,
            daily.spend,
            daily.impressions,
            daily.reach,
            daily.clicks,
            daily.conversions,
            daily.attributed_orders,
            daily.assisted_orders,
            daily.last_touch_revenue,
            daily.last_touch_margin,
            daily.linear_revenue,
            daily.linear_margin,
            {{ ratio("daily.spend", "daily.attributed_orders") }} as cost_per_acquisition,
            {% for rule in ["last_touch", "linear"] -%}
                {{ ratio("daily." ~ rule ~ "_revenue", "daily.spend") }} as {{ rule }}_roas,
                {{ ratio("(daily." ~ rule ~ "_margin - daily.spend)", "daily.spend") }}
                as {{ rule }}_roi{{ ',' if not loop.last }}
            {% endfor %}

        from daily
        left join
            {{ ref("wh_dim_media_channels") }} as channels
            on daily.media_channel_id = channels.media_channel_id

    )

select *
from final
