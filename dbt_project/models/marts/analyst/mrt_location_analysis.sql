{{ affected_by("affected_location_days") }}

with

    movements as ({{ channel_movements(["consumer_key", "territory_id"]) }}),

    history as (select * from {{ ref("wh_dim_consumer_history") }}),

    locations as (select * from {{ ref("wh_dim_location") }}),

    known as (select * from {{ ref("wh_location_consumers") }}),

    -- Where the consumer lived on the day.
    located as (

        select movements.*, history.country, history.state_province
        from movements
        left join
            history
            on movements.consumer_key = history.consumer_key
            and {{ as_of("history", "movements.sales_date") }}
        where {{ is_affected() }}

    ),

    -- Every sale counts three times: by state, by country and by sales territory. States and countries are
    -- named as in the consumers' systems.
    {% set nothing = "cast(null as varchar)" -%}
    {% set types = {
        "state": (
            location_key("state", state_id("country", "state_province")),
            "country",
            "state_province",
        ),
        "country": (location_key("country", "country"), "country", nothing),
        "territory": (location_key("territory", "territory_id"), nothing, nothing),
    } -%}

    daily as (

        {% for type, (key, country, state_province) in types.items() -%}
            select
                sales_date,
                '{{ type }}' as location_type,
                coalesce({{ key }}, {{ unknown_key() }}) as location_key,
                max(case when {{ key }} is not null then {{ country }} end) as country,
                max(case when {{ key }} is not null then {{ state_province }} end) as state_province,
                {{ distinct_consumers() }} as customers,
                {{ channel_measures() }}
            from located
            group by sales_date, coalesce({{ key }}, {{ unknown_key() }}) {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    final as (

        select
            daily.sales_date,
            daily.location_type,
            daily.location_key,
            case
                when daily.location_key = {{ unknown_key() }}
                then 'Unknown'
                else coalesce(daily.state_province, daily.country, locations.location_name)
            end as location_name,
            daily.state_province,
            coalesce(daily.country, locations.country) as country,
            daily.orders,
            daily.order_lines,
            daily.customers,
            daily.quantity,
            daily.gross_sales,
            daily.discount_amount,
            daily.net_sales,
            daily.cost,
            daily.margin,
            daily.uncosted_net_sales,
            daily.returned_quantity,
            daily.refund_amount,
            {{ ratio("daily.net_sales", "daily.orders") }} as average_transaction,
            known.known_consumers,
            {{ ratio("daily.customers", "known.known_consumers") }} as penetration

        from daily
        left join locations on daily.location_key = locations.location_key
        left join
            known on daily.location_key = known.location_key and {{ as_of("known", "daily.sales_date") }}

    )

select *
from final
