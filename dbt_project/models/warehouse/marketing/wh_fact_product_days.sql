{{ affected_by("affected_sales_days") }}

with

    lines as (select *, order_date as sales_date from {{ ref("wh_fact_sales") }} where is_sale),

    sales as (

        select *, max(offer_id) over (partition by source_system, order_id) as order_offer_id
        from lines
        where {{ is_affected() }}

    ),

    products as (

        select source_system, product_key, min(coalesce(subcategory, category)) as product_group
        from {{ ref("wh_product_identities") }}
        group by source_system, product_key

    ),

    webshop_orders as (

        select *
        from {{ ref("stg_webshop_orders") }}
        where cast(order_id as varchar) in (select order_id from sales where source_system = 'webshop')

    ),

    countries_of_users as (

        {{
            versions_by_day(
                ref("stg_webshop_users_versions"),
                "user_id",
                ["country"],
                "user_id in (select user_id from webshop_orders)",
            )
        }}

    ),

    -- Where the user lived on the day of the order.
    webshop_users as (

        select cast(orders.order_id as varchar) as order_id, countries_of_users.country
        from webshop_orders as orders
        inner join {{ ref("stg_webshop_users") }} as users on orders.user_id = users.user_id
        inner join
            countries_of_users
            on orders.user_id = countries_of_users.user_id
            and {{ as_of("countries_of_users", "orders.created_date") }}

    ),

    territories as (

        select territories.territory_id, countries.country
        from {{ ref("stg_sales_territories") }} as territories
        left join
            {{ ref("stg_country_regions") }} as countries
            on territories.country_region_code = countries.country_region_code

    ),

    described as (

        select
            sales.sales_date,
            sales.sales_channel,
            coalesce(territories.country, webshop_users.country) as country,
            coalesce(products.product_group, sales.product_key) as product_group,
            sales.product_key,
            coalesce(sales.offer_id, sales.order_offer_id) as offer_id,
            sales.offer_id is not null as is_under_offer,
            sales.quantity,
            sales.net_amount,
            sales.discount_amount,
            sales.margin
        from sales
        left join
            products
            on sales.source_system = products.source_system
            and sales.product_key = products.product_key
        left join territories on sales.territory_id = territories.territory_id
        left join webshop_users on sales.source_system = 'webshop' and sales.order_id = webshop_users.order_id

    ),

    final as (

        select
            sales_date,
            sales_channel,
            country,
            product_group,
            product_key,
            offer_id,
            is_under_offer,
            cast(sum(quantity) as decimal(38, 4)) as quantity,
            cast(sum(net_amount) as decimal(38, 6)) as net_amount,
            cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
            cast(case when count(margin) = count(*) then sum(margin) end as decimal(38, 6)) as margin

        from described
        group by sales_date, sales_channel, country, product_group, product_key, offer_id, is_under_offer

    )

select *
from final
