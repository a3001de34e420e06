{{ affected_by("affected_consumers") }}

{% set channels = ["online", "reseller", "webshop"] %}

with

    identities as (select * from {{ ref("wh_consumer_identities") }} where {{ is_affected() }}),

    orders as (

        select
            consumer_key,
            source_system,
            order_id,
            sales_channel,
            min(order_date) as order_date,
            sum(case when is_sale then net_amount end) as revenue
        from {{ ref("wh_fact_sales") }}
        where {{ is_affected() }}
        group by consumer_key, source_system, order_id, sales_channel

    ),

    loyalty as (

        select consumer_key, sum(points) as loyalty_points, sum(points_earned) as points_earned
        from {{ ref("wh_fact_loyalty") }}
        where {{ is_affected() }}
        group by consumer_key

    ),

    places as (select * from {{ ref("stg_places") }}),

    -- One whole address per consumer. Of two records in one system, the one with the lower id counts.
    addresses as (

        select *
        from identities
        qualify
            row_number() over (
                partition by consumer_key
                order by {{ address_rank("source_system", "country") }}, length(source_id), source_id
            )
            = 1

    ),

    described as (

        select
            consumer_key,
            min(consumer_type) as consumer_type,
            min(consumer_name) as consumer_name,
            {% for system in ["erp", "webshop", "crm"] -%}
                max(case when source_system = '{{ system }}' then 1 else 0 end) = 1 as in_{{ system }},
            {% endfor -%}
            min(email) as email,
            coalesce(
                min(case when source_system = 'crm' then gender end),
                min(case when source_system = 'webshop' then gender end)
            ) as gender,
            min(birth_date) as birth_date,
            coalesce(
                min(case when source_system = 'crm' then birth_year end),
                min(case when source_system = 'webshop' then birth_year end)
            ) as birth_year,
            -- False if any record is.
            min(case when marketing_opt_in then 1 when not marketing_opt_in then 0 end)
            = 1 as marketing_opt_in,
            min(known_since) as known_since
        from identities
        group by consumer_key

    ),

    bought as (

        select
            consumer_key,
            min(order_date) as first_order_date,
            min(case when revenue is not null then order_date end) as first_purchase_date,
            max(case when revenue is not null then order_date end) as last_purchase_date,
            count(revenue) as lifetime_orders,
            sum(revenue) as lifetime_revenue,
            {% for channel in channels -%}
                count(case when sales_channel = '{{ channel }}' then revenue end) as {{ channel }}_orders,
                sum(
                    case when sales_channel = '{{ channel }}' then revenue end
                ) as {{ channel }}_revenue{{ ',' if not loop.last }}
            {% endfor %}
        from orders
        group by consumer_key

    ),

    final as (

        select
            described.consumer_key,
            described.consumer_type,
            described.consumer_name,
            described.in_erp,
            described.in_webshop,
            described.in_crm,
            described.email,
            described.gender,
            described.birth_date,
            described.birth_year,
            addresses.city,
            addresses.state_province,
            addresses.country,
            coalesce(addresses.latitude, places.latitude) as latitude,
            coalesce(addresses.longitude, places.longitude) as longitude,
            described.marketing_opt_in,
            case
                when bought.first_order_date < described.known_since
                then bought.first_order_date
                else coalesce(described.known_since, bought.first_order_date)
            end as known_since,
            bought.first_order_date,
            bought.first_purchase_date,
            bought.last_purchase_date,
            coalesce(bought.lifetime_orders, 0) as lifetime_orders,
            cast(coalesce(bought.lifetime_revenue, 0) as decimal(38, 6)) as lifetime_revenue,
            {% for channel in channels -%}
                coalesce(bought.{{ channel }}_orders, 0) as {{ channel }}_orders,
                cast(coalesce(bought.{{ channel }}_revenue, 0) as decimal(38, 6)) as {{ channel }}_revenue,
            {% endfor -%}
            cast(loyalty.loyalty_points as bigint) as loyalty_points,
            case
                when loyalty.points_earned >= {{ var("gold_points") }}
                then 'gold'
                when loyalty.points_earned >= {{ var("silver_points") }}
                then 'silver'
                when loyalty.points_earned is not null
                then 'bronze'
            end as loyalty_tier

        from described
        inner join addresses on described.consumer_key = addresses.consumer_key
        left join bought on described.consumer_key = bought.consumer_key
        left join loyalty on described.consumer_key = loyalty.consumer_key
        left join places on {{ in_place("addresses", "places") }}

    )

select *
from final
