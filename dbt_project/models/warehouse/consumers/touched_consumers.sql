{{ config(materialized='table') }}

{# Everybody of whom anything changed in the window, under each key that any version of it has had. #}

with

identities as (

    select * from {{ ref('wh_consumer_identities') }}

),

changed_addresses as (

    select business_entity_id
    from {{ ref('stg_business_entity_addresses') }}
    where address_id in (select address_id from {{ source('erp', 'address') }} where {{ changed_in_window() }})

    union

    select business_entity_id from {{ source('erp', 'business_entity_address') }} where {{ changed_in_window() }}

),

touched_records as (

    select source_system, consumer_source_id as source_id
    from {{ ref('touched_orders') }}
    where consumer_source_id is not null

    {% for table, id in [('interactions', 'interaction_id'), ('loyalty_activities', 'loyalty_activity_id')] -%}
    union

    select 'crm' as source_system, cast(consumer_id as varchar) as source_id
    from {{ source('crm', table) }}
    where {{ id }} in (select {{ id }} from {{ source('crm', table) }} where {{ changed_in_window() }})

    {% endfor -%}
    union

    -- The history has every version of the address, also where the newest says the same as before.
    select 'erp' as source_system, cast(customer_id as varchar) as source_id
    from {{ ref('stg_customers') }}
    where person_id in (select business_entity_id from changed_addresses)
        or store_id in (select business_entity_id from changed_addresses)

),

-- Coordinates of those who have none of their own are their state's.
moved_places as (

    select country, state from {{ ref('stg_places') }} where {{ in_window('_changed_at') }}

),

final as (

    select identities.consumer_key
    from touched_records
    inner join identities
        on touched_records.source_system = identities.source_system
        and touched_records.source_id = identities.source_id

    union

    {{ changed_consumer_keys() }}

    union

    select identities.consumer_key
    from identities
    inner join moved_places
        on identities.country = moved_places.country
        and coalesce(identities.state_province, '') = coalesce(moved_places.state, '')

)

select * from final
