with

    weeks as ({{ weeks_of_window() }}),

    -- When each system first knew the consumer. What it says of them counts from then on.
    known as (

        select
            consumer_key,
            min(case when source_system = 'crm' then known_since end) as crm_since,
            min(case when source_system = 'webshop' then known_since end) as webshop_since
        from {{ ref("wh_consumer_identities") }}
        group by consumer_key

    ),

    consumers as (

        select
            weeks.*,
            consumers.consumer_key,
            consumers.email,
            consumers.known_since,
            case when known.crm_since < weeks.week_end then consumers.birth_date end as birth_date,
            coalesce(known.crm_since < weeks.week_end, false) as is_in_crm,
            coalesce(known.webshop_since < weeks.week_end, false) as is_in_webshop,
            history.country,
            history.state_province,
            coalesce(history.latitude, places.latitude) as latitude,
            coalesce(history.longitude, places.longitude) as longitude

        from weeks
        inner join {{ ref("wh_dim_consumer") }} as consumers on consumers.known_since < weeks.week_end
        inner join known on consumers.consumer_key = known.consumer_key
        left join
            {{ ref("wh_dim_consumer_history") }} as history
            on consumers.consumer_key = history.consumer_key
            and history.valid_from < weeks.week_end
            and (history.valid_to is null or history.valid_to >= weeks.week_end)
        left join {{ ref("stg_places") }} as places on {{ in_place("history", "places") }}

    ),

    orders as ({{ consumer_orders() }}),

    purchases as ({{ purchase_features() }}),

    returned as ({{ return_features() }}),

    tastes as ({{ taste_features() }}),

    nearest as ({{ nearest_centers("consumers") }}),

    contacts as ({{ contact_features() }}),

    loyalty as (

        select weeks.week_start, loyalty.consumer_key, sum(loyalty.points) as points
        from weeks
        inner join {{ ref("wh_fact_loyalty") }} as loyalty on loyalty.activity_date < weeks.week_end
        where loyalty.consumer_key <> {{ unknown_key() }}
        group by weeks.week_start, loyalty.consumer_key

    ),

    visits as (

        select weeks.week_start, identities.consumer_key, count(distinct events.session_id) as sessions
        from weeks
        inner join
            {{ ref("stg_webshop_events") }} as events
            on events.created_date >= weeks.quarter_start
            and events.created_date < weeks.week_end
        inner join
            {{ ref("wh_consumer_identities") }} as identities
            on identities.source_system = 'webshop'
            and cast(events.user_id as varchar) = identities.source_id
        group by weeks.week_start, identities.consumer_key

    ),

    engagement as (

        select weeks.week_start, touches.email, count(*) as touches
        from weeks
        inner join
            {{ ref("stg_campaign_touches") }} as touches
            on touches.touched_date >= weeks.quarter_start
            and touches.touched_date < weeks.week_end
        where touches.touch_type in ('open', 'click')
        group by weeks.week_start, touches.email

    ),

    final as (

        select
            consumers.week_start,
            consumers.consumer_key,
            cast({{ full_years("consumers.birth_date", "consumers.week_end") }} as integer) as age,
            consumers.country,
            consumers.state_province,
            nearest.location_name as nearest_distribution_center,
            nearest.kilometres as distribution_center_km,
            case
                when purchases.quantity_last_year is not null
                then
                    {{
                        ratio(
                            at_most(
                                "coalesce(returned.quantity_last_year, 0)", "purchases.quantity_last_year"
                            ),
                            "purchases.quantity_last_year",
                        )
                    }}
            end as return_rate,
            case
                when purchases.revenue_last_year <= 50
                then 1
                when purchases.revenue_last_year <= 150
                then 2
                when purchases.revenue_last_year > 150
                then 3
            end as profit_level,
            cast(purchases.revenue - coalesce(returned.refund_amount, 0) as decimal(38, 6)) as lifetime_value,
            cast(
                purchases.decayed_revenue - coalesce(returned.decayed_refund, 0) as decimal(38, 6)
            ) as lifetime_value_decayed,
            case
                when purchases.orders is not null
                then
                    {{
                        ratio(
                            "purchases.orders * 365",
                            at_least(
                                dbt.datediff("consumers.known_since", "consumers.week_end", "day"), 90
                            ),
                        )
                    }}
            end as order_frequency,
            cast(
                {{ dbt.datediff("purchases.last_purchase_date", "consumers.week_end", "day") }} as integer
            ) as recency_days,
            cast(
                {{ dbt.datediff("consumers.known_since", "consumers.week_end", "day") }} as integer
            ) as tenure_days,
            {{ ratio("purchases.revenue", "purchases.orders") }} as average_basket,
            {{ ratio("purchases.products_in_orders", "purchases.orders") }} as products_per_order,
            {{ ratio("purchases.quantity", "purchases.products_in_orders") }} as pieces_per_product,
            {{ ratio("purchases.margin", "purchases.revenue_of_known_cost") }} as margin_rate,
            tastes.top_category,
            tastes.category_concentration,
            {% for channel in ["online", "webshop", "reseller"] -%}
                {{ ratio("purchases." ~ channel ~ "_orders", "purchases.orders") }} as {{ channel }}_share,
            {% endfor -%}
            case
                when consumers.is_in_webshop then cast(coalesce(visits.sessions, 0) as integer)
            end as web_sessions,
            case when consumers.is_in_crm then contacts.top_touchpoint end as top_touchpoint,
            {{ ratio("purchases.discounted_revenue", "purchases.sold_revenue") }} as discount_share,
            case when consumers.is_in_crm then cast(loyalty.points as bigint) end as loyalty_points,
            case
                when consumers.is_in_crm then cast(coalesce(contacts.interactions, 0) as integer)
            end as interactions_last_year,
            case
                when consumers.email is not null then cast(coalesce(engagement.touches, 0) as integer)
            end as email_engagement,
            cast(coalesce(purchases.orders, 0) as integer) as orders,
            case
                when purchases.orders is not null then cast(purchases.orders_last_year as integer)
            end as orders_last_year,
            cast(coalesce(purchases.revenue_last_year, 0) as decimal(38, 6)) as revenue_last_year,
            cast(coalesce(purchases.margin_last_year, 0) as decimal(38, 6)) as margin_last_year

        from consumers
        left join
            purchases
            on consumers.week_start = purchases.week_start
            and consumers.consumer_key = purchases.consumer_key
        left join
            returned
            on consumers.week_start = returned.week_start
            and consumers.consumer_key = returned.consumer_key
        left join
            tastes
            on consumers.week_start = tastes.week_start
            and consumers.consumer_key = tastes.consumer_key
        left join nearest on consumers.latitude = nearest.latitude and consumers.longitude = nearest.longitude
        left join
            loyalty
            on consumers.week_start = loyalty.week_start
            and consumers.consumer_key = loyalty.consumer_key
        left join
            contacts
            on consumers.week_start = contacts.week_start
            and consumers.consumer_key = contacts.consumer_key
        left join
            visits
            on consumers.week_start = visits.week_start
            and consumers.consumer_key = visits.consumer_key
        left join
            engagement on consumers.week_start = engagement.week_start and consumers.email = engagement.email

    )

select *
from final
