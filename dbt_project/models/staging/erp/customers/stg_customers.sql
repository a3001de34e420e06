with

    current_rows as ({{ current_rows(ref("stg_customers_versions")) }}),

    stores as (select * from {{ ref("stg_stores") }}),

    territories as (select * from {{ ref("stg_sales_territories") }}),

    -- The home or main office comes before a shipping address: the lowest type, then the lowest address.
    main_addresses as (

        select *
        from {{ ref("stg_business_entity_addresses") }}
        qualify row_number() over (partition by business_entity_id order by address_type_id, address_id) = 1

    ),

    locations as (

        select main_addresses.business_entity_id, addresses.city, states.state_province, countries.country

        from main_addresses
        inner join {{ ref("stg_addresses") }} as addresses on main_addresses.address_id = addresses.address_id
        left join
            {{ ref("stg_state_provinces") }} as states
            on addresses.state_province_id = states.state_province_id
        left join
            {{ ref("stg_country_regions") }} as countries
            on states.country_region_code = countries.country_region_code

    ),

    -- Every join is a left join: a customer is one even if its person or its store is not there.
    final as (

        select
            current_rows.customer_id,
            case
                when current_rows.store_id is null
                then 'person'
                when current_rows.person_id is null
                then 'store'
                else 'person at a store'
            end as customer_type,
            current_rows.person_id,
            current_rows.store_id,
            stores.store_name,
            current_rows.territory_id,
            territories.territory,
            territories.territory_group,
            locations.city,
            locations.state_province,
            locations.country,
            current_rows.modified_at,
            {{ window_start() }} as _changed_at

        from current_rows
        left join stores on current_rows.store_id = stores.business_entity_id
        left join territories on current_rows.territory_id = territories.territory_id
        left join locations as store_locations on current_rows.store_id = store_locations.business_entity_id
        left join
            locations
            on coalesce(store_locations.business_entity_id, current_rows.person_id)
            = locations.business_entity_id

    )

select *
from final
