{#
    Orders whose attribution the window affects: those that changed themselves, and those within the days that a click
    counts after a click that changed or whose campaign did.
#}
with

    -- Every version of a touch that changed counts. A campaign that changed brings its own touches.
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

    -- A touch without an address has no key, and no order follows it.
    clickers as (

        select distinct {{ consumer_key("email", "marketing", "email") }} as consumer_key, touched_at
        from changed_touches

    ),

    -- Orders before the earliest click follow none.
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
