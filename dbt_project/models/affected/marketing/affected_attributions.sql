{#
    Orders whose attribution is affected: those that changed, and those within `attribution_days` after a click that
    changed, or whose campaign did.
#}
with

    -- All versions of the touches that changed, and the touches of campaigns that changed.
    changed_touches as (

        {% for changed in [
            of_changed_row(ref("stg_campaign_touches_versions"), "touch_id"),
            "campaign_id in (" ~ changed_campaigns() ~ ")",
        ] -%}
            select email, touched_at
            from {{ ref("stg_campaign_touches_versions") }}
            where {{ changed }} {{ 'union' if not loop.last }}
        {% endfor %}

    ),

    -- A touch without an e-mail address cannot be matched to an order.
    clickers as (

        select distinct {{ consumer_key("email", "marketing", "email") }} as consumer_key, touched_at
        from changed_touches

    ),

    -- Orders before the earliest of these clicks cannot be attributed to one.
    orders as (

        select
            'erp' as source_system,
            cast(sales_order_id as varchar) as order_id,
            cast(customer_id as varchar) as consumer_source_id,
            cast(null as varchar) as guest_key,
            order_at,
            order_date
        from {{ ref("stg_sales_orders") }}
        where order_at > (select min(touched_at) from clickers)

        union all

        select
            'webshop' as source_system,
            cast(order_id as varchar) as order_id,
            cast(user_id as varchar) as consumer_source_id,
            {{ guest_key("email") }} as guest_key,
            created_at as order_at,
            created_date as order_date
        from {{ ref("stg_webshop_orders") }}
        where created_at > (select min(touched_at) from clickers)

    ),

    final as (

        select distinct source_system, order_id, sales_date
        from {{ ref("affected_orders") }}

        union

        select orders.source_system, orders.order_id, orders.order_date as sales_date
        from clickers
        inner join
            {{ ref("wh_consumer_identities") }} as identities
            on clickers.consumer_key = identities.consumer_key
        inner join
            orders
            on identities.source_system = orders.source_system
            and identities.source_id = orders.consumer_source_id
            and orders.order_at > clickers.touched_at
            and orders.order_at <= {{ dbt.dateadd("day", var("attribution_days"), "clickers.touched_at") }}

        union

        select orders.source_system, orders.order_id, orders.order_date as sales_date
        from clickers
        inner join
            orders
            on clickers.consumer_key = orders.guest_key
            and orders.order_at > clickers.touched_at
            and orders.order_at <= {{ dbt.dateadd("day", var("attribution_days"), "clickers.touched_at") }}

    )

select *
from final
