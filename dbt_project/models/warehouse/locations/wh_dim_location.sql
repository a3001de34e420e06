with

    shops as (select * from {{ ref("stg_shops") }}),

    distribution_centers as (select * from {{ ref("stg_distribution_centers") }}),

    known_places as (

        select country, nullif(state, '') as state, latitude, longitude from {{ ref("stg_places") }}

    ),

    addresses as (

        select country, nullif(state_province, '') as state
        from {{ ref("wh_dim_consumer_history") }}
        union
        select country, nullif(state, '') as state
        from shops
        union
        select country, nullif(state, '') as state
        from distribution_centers

    ),

    -- States and countries of consumers, shops and centers, as their systems name them. The list of places
    -- only adds coordinates.
    named_places as (

        select country, state
        from addresses
        where country is not null
        union
        select country, cast(null as varchar) as state
        from addresses
        where country is not null

    ),

    places as (

        select named_places.country, named_places.state, known_places.latitude, known_places.longitude
        from named_places
        left join
            known_places
            on named_places.country = known_places.country
            and coalesce(named_places.state, '') = coalesce(known_places.state, '')

    ),

    territories as (

        select territories.territory_id, territories.territory, countries.country
        from {{ ref("stg_sales_territories") }} as territories
        left join
            {{ ref("stg_country_regions") }} as countries
            on territories.country_region_code = countries.country_region_code

    ),

    final as (

        select
            {{ location_key("shop", "shop_id") }} as location_key,
            'shop' as location_type,
            shop_name as location_name,
            city,
            state as state_province,
            country,
            latitude,
            longitude,
            territory_id,
            cast(shop_id as varchar) as source_id
        from shops

        union all

        select
            {{ location_key("distribution center", "distribution_center_id") }} as location_key,
            'distribution center' as location_type,
            distribution_center_name as location_name,
            city,
            state as state_province,
            country,
            latitude,
            longitude,
            cast(null as {{ key_type("erp") }}) as territory_id,
            cast(distribution_center_id as varchar) as source_id
        from distribution_centers

        union all

        select
            {{ location_key("state", state_id("country", "state")) }} as location_key,
            'state' as location_type,
            state as location_name,
            cast(null as varchar) as city,
            state as state_province,
            country,
            latitude,
            longitude,
            cast(null as {{ key_type("erp") }}) as territory_id,
            cast({{ state_id("country", "state") }} as varchar) as source_id
        from places
        where state is not null

        union all

        select
            {{ location_key("country", "country") }} as location_key,
            'country' as location_type,
            country as location_name,
            cast(null as varchar) as city,
            cast(null as varchar) as state_province,
            country,
            latitude,
            longitude,
            cast(null as {{ key_type("erp") }}) as territory_id,
            country as source_id
        from places
        where state is null

        union all

        select
            {{ location_key("territory", "territory_id") }} as location_key,
            'territory' as location_type,
            territory as location_name,
            cast(null as varchar) as city,
            cast(null as varchar) as state_province,
            country,
            cast(null as double) as latitude,
            cast(null as double) as longitude,
            territory_id,
            cast(territory_id as varchar) as source_id
        from territories

    )

select *
from final
