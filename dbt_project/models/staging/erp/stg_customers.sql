with

source as (

    {{ current_rows(source('erp', 'customer'), config.get('unique_key'), whole=true) }}

),

stores as (

    select * from {{ ref('stg_stores') }}

),

territories as (

    select * from {{ ref('stg_sales_territories') }}

),

-- The home or main office comes before a shipping address: the lowest type, then the lowest address.
main_addresses as (

    select *
    from {{ ref('stg_business_entity_addresses') }}
    qualify row_number() over (partition by business_entity_id order by address_type_id, address_id) = 1

),

locations as (

    select
        main_addresses.business_entity_id,
        addresses.city,
        states.state_province,
        countries.country

    from main_addresses
    inner join {{ ref('stg_addresses') }} as addresses on main_addresses.address_id = addresses.address_id
    left join {{ ref('stg_state_provinces') }} as states on addresses.state_province_id = states.state_province_id
    left join {{ ref('stg_country_regions') }} as countries on states.country_region_code = countries.country_region_code

),

-- Every join is a left join: a customer is one even if its person or its store is not there.
final as (

    select
        source.customer_id,
        case
            when source.store_id is null then 'person'
            when source.person_id is null then 'store'
            else 'person at a store'
        end as customer_type,
        source.person_id,
        source.store_id,
        stores.store_name,
        source.territory_id,
        territories.territory,
        territories.territory_group,
        locations.city,
        locations.state_province,
        locations.country,
        source._modified_at as modified_at,
        {{ window_start() }} as _changed_at

    from source
    left join stores on source.store_id = stores.business_entity_id
    left join territories on source.territory_id = territories.territory_id
    left join locations as store_locations on source.store_id = store_locations.business_entity_id
    left join locations
        on coalesce(store_locations.business_entity_id, source.person_id) = locations.business_entity_id

    where {{ quarantine_reason('stg_customers') }} is null

)

select * from final
