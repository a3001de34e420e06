{{ affected_by('affected_location_days') }}

with

movements as (

    {{ channel_movements(['consumer_key', 'territory_id']) }}

),

history as (

    select * from {{ ref('wh_dim_consumer_history') }}

),

locations as (

    select * from {{ ref('wh_dim_location') }}

),

known as (

    select * from {{ ref('wh_location_consumers') }}

),

-- Where the consumer lived on the day.
located as (

    select
        movements.*,
        history.country,
        history.state_province
    from movements
    left join history
        on movements.consumer_key = history.consumer_key
        and {{ as_of('history', 'movements.sales_date') }}
    where {{ is_affected() }}

),

-- Every sale once by state, once by country, and once by territory, whose shops it belongs to.
{% set types = {
    'state': location_key('state', state_id('country', 'state_province')),
    'country': location_key('country', 'country'),
    'territory': location_key('territory', 'territory_id'),
} -%}

daily as (

    {% for type, key in types.items() -%}
    select
        sales_date,
        '{{ type }}' as location_type,
        {{ key }} as location_key,
        count(distinct case when order_key is not null then consumer_key end) as customers,
        {{ channel_measures() }}
    from located
    group by sales_date, {{ key }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        daily.sales_date,
        daily.location_type,
        daily.location_key,
        locations.location_name,
        locations.state_province,
        locations.country,
        daily.orders,
        daily.order_lines,
        daily.customers,
        daily.quantity,
        daily.gross_sales,
        daily.discount_amount,
        daily.net_sales,
        daily.cost,
        daily.margin,
        daily.returned_quantity,
        daily.refund_amount,
        {{ ratio('daily.net_sales', 'daily.orders') }} as average_transaction,
        known.known_consumers,
        {{ ratio('daily.customers', 'known.known_consumers') }} as penetration

    from daily
    left join locations on daily.location_key = locations.location_key
    left join known
        on daily.location_key = known.location_key
        and {{ as_of('known', 'daily.sales_date') }}

)

select * from final
