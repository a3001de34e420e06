{#
    The affected consumers, under every key that a version of their records has had, each with the first day that is
    affected.
#}
with

    identities as (select * from {{ ref("wh_consumer_identities") }}),

    -- States whose name or country may have changed.
    changed_states as (

        select state_province_id
        from {{ ref("stg_state_provinces_versions") }}
        where
            {{ changed_in_window() }}
            or country_region_code in (
                select country_region_code
                from {{ ref("stg_country_regions_versions") }}
                where {{ changed_in_window() }}
            )

    ),

    changed_addresses as (

        select business_entity_id
        from {{ ref("stg_business_entity_addresses_versions") }}
        where
            address_id in (
                select address_id
                from {{ ref("stg_addresses_versions") }}
                where
                    {{ changed_in_window() }}
                    or state_province_id in (select state_province_id from changed_states)
            )

        union

        select business_entity_id
        from {{ ref("stg_business_entity_addresses_versions") }}
        where {{ changed_in_window() }}

    ),

    changed as (

        {{
            changed_records(
                ref("wh_consumer_identities"),
                [
                    ("erp", "stg_customers", "customer_id"),
                    ("webshop", "stg_webshop_users", "user_id"),
                    ("crm", "stg_consumers", "consumer_id"),
                ],
            )
        }}

        union

        -- A late file may change an earlier version and not the current row.
        select 'webshop' as source_system, cast(user_id as varchar) as source_id
        from {{ ref("stg_webshop_users_versions") }}
        where {{ changed_in_window() }}

        union

        -- The history depends on all versions of an address, even if the newest one has not changed.
        select 'erp' as source_system, cast(customer_id as varchar) as source_id
        from {{ ref("stg_customers") }}
        where
            person_id in (select business_entity_id from changed_addresses)
            or store_id in (select business_entity_id from changed_addresses)

    ),

    order_days as (

        select source_system, order_id, min(sales_date) as affected_from
        from {{ ref("affected_orders") }}
        group by source_system, order_id

    ),

    {% set activities = [
        (ref("stg_interactions_versions"), "interaction_id", "interaction_date"),
        (ref("stg_loyalty_activities_versions"), "loyalty_activity_id", "activity_date"),
    ] -%}

    active_records as (

        select orders.source_system, orders.consumer_source_id as source_id, order_days.affected_from
        from {{ ref("affected_orders") }} as orders
        inner join
            order_days
            on orders.source_system = order_days.source_system
            and orders.order_id = order_days.order_id
        where orders.consumer_source_id is not null

        {% for versions, id, day in activities -%}
            union all

            select
                'crm' as source_system, cast(consumer_id as varchar) as source_id, {{ day }} as affected_from
            from {{ versions }}
            where {{ of_changed_row(versions, id) }}

        {% endfor %}

    ),

    -- Consumers without coordinates have those of their state.
    moved_places as (

        select country, state from {{ ref("stg_places_versions") }} where {{ changed_in_window() }}

    ),

    affected as (

        select identities.consumer_key, active_records.affected_from
        from active_records
        inner join
            identities
            on active_records.source_system = identities.source_system
            and active_records.source_id = identities.source_id

        union all

        -- A guest is identified by the order's e-mail address, of any version.
        select {{ guest_key("orders.email") }} as consumer_key, order_days.affected_from
        from {{ ref("stg_webshop_orders_versions") }} as orders
        inner join
            order_days
            on order_days.source_system = 'webshop'
            and cast(orders.order_id as varchar) = order_days.order_id
        where orders.email is not null

        union all

        -- Any affected order may belong, or have belonged, to the unknown consumer.
        select {{ unknown_key() }} as consumer_key, min(sales_date) as affected_from
        from {{ ref("affected_orders") }}
        having count(*) > 0

        union all

        select consumer_key, {{ beginning_of_time() }} as affected_from
        from
            (
                select identities.consumer_key
                from identities
                inner join
                    changed
                    on identities.source_system = changed.source_system
                    and identities.source_id = changed.source_id

                union

                {{ consumer_keys_of("changed") }}
            ) as changed_keys

        union all

        select identities.consumer_key, {{ local_date(window_start()) }} as affected_from
        from identities
        inner join moved_places on {{ in_place("identities", "moved_places") }}

    ),

    final as (

        select consumer_key, min(coalesce(affected_from, {{ beginning_of_time() }})) as affected_from
        from affected
        group by consumer_key

    )

select *
from final
