{{ config(materialized='table') }}

{# Everybody of whom anything changed in the window, under each key that any version of it has had. #}

with

identities as (

    select * from {{ ref('wh_consumer_identities') }}

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

    {% endfor %}

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
