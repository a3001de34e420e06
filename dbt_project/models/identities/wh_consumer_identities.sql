with

    email_addresses as (

        select *
        from {{ ref("stg_email_addresses") }}
        where email is not null
        qualify row_number() over (partition by business_entity_id order by email_address_id) = 1

    ),

    -- The ERP has no date of creation. It has known a customer at least since the oldest of its rows was
    -- last changed: the customer's own, or a link to an address, which stays when they move.
    erp_traces as (

        select customer_id, _modified_at
        from {{ ref("stg_customers_versions") }}

        union all

        select customers.customer_id, links._modified_at
        from {{ ref("stg_customers") }} as customers
        inner join
            {{ ref("stg_business_entity_addresses_versions") }} as links
            on coalesce(customers.store_id, customers.person_id) = links.business_entity_id

    ),

    erp_known as (

        select customer_id, {{ local_date("min(_modified_at)") }} as known_since
        from erp_traces
        group by customer_id

    ),

    erp as (

        select
            'erp' as source_system,
            cast(customers.customer_id as varchar) as source_id,
            {{ erp_consumer_key("customers", "email_addresses.email") }} as consumer_key,
            case when customers.store_id is null then 'person' else 'store' end as consumer_type,
            customers.store_name as consumer_name,
            case when customers.store_id is null then email_addresses.email end as email,
            cast(null as varchar) as gender,
            cast(null as date) as birth_date,
            cast(null as bigint) as birth_year,
            customers.city,
            customers.state_province,
            customers.country,
            cast(null as double) as latitude,
            cast(null as double) as longitude,
            cast(null as boolean) as marketing_opt_in,
            erp_known.known_since

        from {{ ref("stg_customers") }} as customers
        left join email_addresses on customers.person_id = email_addresses.business_entity_id
        left join erp_known on customers.customer_id = erp_known.customer_id

    ),

    webshop as (

        select
            'webshop' as source_system,
            cast(user_id as varchar) as source_id,
            {{ consumer_key("email", "webshop", "user_id") }} as consumer_key,
            'person' as consumer_type,
            cast(null as varchar) as consumer_name,
            email,
            gender,
            cast(null as date) as birth_date,
            -- The age is that at the time of registration.
            cast(extract(year from created_date) - age as bigint) as birth_year,
            city,
            state as state_province,
            country,
            latitude,
            longitude,
            cast(null as boolean) as marketing_opt_in,
            created_date as known_since

        from {{ ref("stg_webshop_users") }}

    ),

    crm as (

        select
            'crm' as source_system,
            cast(consumer_id as varchar) as source_id,
            {{ consumer_key("email", "crm", "consumer_id") }} as consumer_key,
            'person' as consumer_type,
            cast(null as varchar) as consumer_name,
            email,
            gender,
            date_of_birth as birth_date,
            cast(extract(year from date_of_birth) as bigint) as birth_year,
            city,
            state as state_province,
            country,
            latitude,
            longitude,
            marketing_opt_in,
            created_date as known_since

        from {{ ref("stg_consumers") }}

    ),

    -- Guests: they ordered from the web shop without an account, and gave an e-mail address.
    guests as (

        select
            'webshop' as source_system,
            {{ guest_id("orders.email") }} as source_id,
            {{ guest_key("orders.email") }} as consumer_key,
            'person' as consumer_type,
            cast(null as varchar) as consumer_name,
            orders.email,
            cast(null as varchar) as gender,
            cast(null as date) as birth_date,
            cast(null as bigint) as birth_year,
            cast(null as varchar) as city,
            cast(null as varchar) as state_province,
            cast(null as varchar) as country,
            cast(null as double) as latitude,
            cast(null as double) as longitude,
            cast(null as boolean) as marketing_opt_in,
            min(orders.created_date) as known_since

        from {{ ref("stg_webshop_orders") }} as orders
        left join {{ ref("stg_webshop_users") }} as users on orders.user_id = users.user_id
        where orders.email is not null and users.user_id is null
        group by orders.email

    ),

    -- The unknown consumer.
    unknown as (

        select
            'unknown' as source_system,
            'unknown' as source_id,
            cast({{ unknown_key() }} as varchar) as consumer_key,
            'unknown' as consumer_type,
            'Unknown' as consumer_name,
            cast(null as varchar) as email,
            cast(null as varchar) as gender,
            cast(null as date) as birth_date,
            cast(null as bigint) as birth_year,
            cast(null as varchar) as city,
            cast(null as varchar) as state_province,
            cast(null as varchar) as country,
            cast(null as double) as latitude,
            cast(null as double) as longitude,
            cast(null as boolean) as marketing_opt_in,
            cast(null as date) as known_since

    ),

    final as (

        select *, {{ window_start() }} as _changed_at
        from erp
        union all
        select *, {{ window_start() }} as _changed_at
        from webshop
        union all
        select *, {{ window_start() }} as _changed_at
        from guests
        union all
        select *, {{ window_start() }} as _changed_at
        from crm
        union all
        select *, {{ window_start() }} as _changed_at
        from unknown

    )

select *
from final
