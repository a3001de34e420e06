{{ affected_by("affected_consumers") }}

{% set address = ["city", "state_province", "country", "latitude", "longitude"] -%}

with

    identities as (select * from {{ ref("wh_consumer_identities") }} where {{ is_affected() }}),

    -- An ERP customer has the addresses that the person, or the store, is linked to.
    links as (

        select
            business_entity_id,
            address_type_id,
            address_id,
            min(_modified_at) as linked_at,
            count(*) = count(_deleted_at) as is_gone
        from {{ ref("stg_business_entity_addresses_versions") }}
        group by business_entity_id, address_type_id, address_id

    ),

    -- A link ends when the entity's next one begins, and not when a run finds it gone: that would depend on
    -- when the run was.
    successors as (

        select
            links.business_entity_id,
            links.address_type_id,
            links.address_id,
            min(later.linked_at) as linked_at
        from links
        inner join
            links as later
            on links.business_entity_id = later.business_entity_id
            and links.linked_at < later.linked_at
        where links.is_gone
        group by links.business_entity_id, links.address_type_id, links.address_id

    ),

    -- `place` is the order in which addresses count. The first ones hold from the beginning: a customer may
    -- be older.
    residences as (

        select
            links.business_entity_id,
            links.address_id,
            row_number() over (
                partition by links.business_entity_id order by links.address_type_id, links.address_id
            ) as place,
            case
                when links.linked_at = min(links.linked_at) over (partition by links.business_entity_id)
                then {{ beginning_of_time() }}
                else {{ local_date("links.linked_at") }}
            end as valid_from,
            {{ local_date("successors.linked_at") }} as valid_to
        from links
        left join
            successors
            on links.business_entity_id = successors.business_entity_id
            and links.address_type_id = successors.address_type_id
            and links.address_id = successors.address_id

    ),

    stores as (select distinct business_entity_id from residences),

    erp as (

        select
            cast(customers.customer_id as varchar) as source_id,
            residences.place,
            residences.valid_from,
            residences.valid_to,
            row_number() over (
                partition by customers.customer_id, residences.place
                order by addresses._modified_at, addresses._loaded_at
            ) as number,
            {{ local_date("addresses._modified_at") }} as modified_on,
            addresses._modified_at,
            addresses._loaded_at,
            addresses.city,
            states.state_province,
            countries.country,
            cast(null as double) as latitude,
            cast(null as double) as longitude,
            cast(null as boolean) as marketing_opt_in
        from {{ ref("stg_customers") }} as customers
        left join stores on customers.store_id = stores.business_entity_id
        inner join
            residences
            on coalesce(stores.business_entity_id, customers.person_id) = residences.business_entity_id
        inner join
            {{ ref("stg_addresses_versions") }} as addresses on residences.address_id = addresses.address_id
        left join
            {{ ref("stg_state_provinces") }} as states
            on addresses.state_province_id = states.state_province_id
        left join
            {{ ref("stg_country_regions") }} as countries
            on states.country_region_code = countries.country_region_code
        where
            cast(customers.customer_id as varchar)
            in (select source_id from identities where source_system = 'erp')

    ),

    {% set registers = {
        "webshop": (ref("stg_webshop_users_versions"), "user_id", "cast(null as boolean)"),
        "crm": (ref("stg_consumers_versions"), "consumer_id", "marketing_opt_in"),
    } -%}

    {% for system, (versions, id, opt_in) in registers.items() -%}
        {{ system }} as (

            select
                cast({{ id }} as varchar) as source_id,
                1 as place,
                cast(null as date) as valid_from,
                cast(null as date) as valid_to,
                row_number() over (partition by {{ id }} order by _modified_at, _loaded_at) as number,
                {{ local_date("_modified_at") }} as modified_on,
                _modified_at,
                _loaded_at,
                city,
                state as state_province,
                country,
                latitude,
                longitude,
                {{ opt_in }} as marketing_opt_in
            from {{ versions }}
            where
                cast({{ id }} as varchar)
                in (select source_id from identities where source_system = '{{ system }}')

        ),

    {% endfor -%}

    -- A record's first version holds from the day on which its system first knew the consumer or address.
    versions as (

        {% for system in ["erp", "webshop", "crm"] -%}
            select
                identities.consumer_key,
                '{{ system }}' as source_system,
                identities.source_id,
                coalesce({{ system }}.valid_from, identities.known_since) as begins_on,
                {{ system }}.valid_to,
                {{ system }}.place,
                {{ system }}.number,
                {{ system }}.modified_on,
                {{ system }}._modified_at,
                {{ system }}._loaded_at,
                {% for column in address -%} {{ system }}.{{ column }}, {% endfor -%}
                {{ system }}.marketing_opt_in
            from {{ system }}
            inner join
                identities
                on identities.source_system = '{{ system }}'
                and {{ system }}.source_id = identities.source_id
                {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    -- The last version of a day holds for that day.
    days as (

        select
            *,
            case when number = 1 or modified_on < begins_on then begins_on else modified_on end as valid_from
        from versions
        qualify
            row_number() over (
                partition by source_system, source_id, place, valid_from
                order by _modified_at desc nulls last, _loaded_at desc nulls last
            )
            = 1

    ),

    changes as (select distinct consumer_key, valid_from from days),

    -- The newest version of each record, on each day on which one of the consumer's records changed.
    known as (

        select changes.valid_from as known_on, days.*
        from changes
        inner join
            days
            on changes.consumer_key = days.consumer_key
            and changes.valid_from >= days.valid_from
            and (days.valid_to is null or changes.valid_from < days.valid_to)
        qualify
            row_number() over (
                partition by changes.valid_from, days.source_system, days.source_id, days.place
                order by days.valid_from desc nulls last
            )
            = 1

    ),

    -- Consent is false if any record's is.
    combined as (

        select
            consumer_key,
            known_on as valid_from,
            {% for column in address -%} {{ column }}, {% endfor -%}
            min(case when marketing_opt_in then 1 when not marketing_opt_in then 0 end) over (
                partition by consumer_key, known_on
            )
            = 1 as marketing_opt_in
        from known
        qualify
            row_number() over (
                partition by consumer_key, known_on
                order by {{ address_rank("source_system", "country") }}, length(source_id), source_id, place
            )
            = 1

    ),

    history as ({{ periods("combined", "consumer_key", address + ["marketing_opt_in"]) }}),

    final as (

        select
            consumer_key,
            case
                when row_number() over (partition by consumer_key order by valid_from) = 1
                then {{ beginning_of_time() }}
                else valid_from
            end as valid_from,
            valid_to,
            {% for column in address -%} {{ column }}, {% endfor -%}
            marketing_opt_in
        from history

    )

select *
from final
