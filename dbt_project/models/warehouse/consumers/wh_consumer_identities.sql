with

email_addresses as (

    select *
    from {{ ref('stg_email_addresses') }}
    where email is not null
    qualify row_number() over (partition by business_entity_id order by email_address_id) = 1

),

erp as (

    select
        'erp' as source_system,
        cast(customers.customer_id as varchar) as source_id,
        {{ erp_consumer_key('customers', 'email_addresses.email') }} as consumer_key,
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
        cast(null as date) as known_since

    from {{ ref('stg_customers') }} as customers
    left join email_addresses on customers.person_id = email_addresses.business_entity_id

),

webshop as (

    select
        'webshop' as source_system,
        cast(user_id as varchar) as source_id,
        {{ consumer_key('email', 'webshop', 'user_id') }} as consumer_key,
        'person' as consumer_type,
        cast(null as varchar) as consumer_name,
        email,
        gender,
        cast(null as date) as birth_date,
        -- The age is the one that the user had when registering.
        cast(extract(year from created_date) - age as bigint) as birth_year,
        city,
        state as state_province,
        country,
        latitude,
        longitude,
        cast(null as boolean) as marketing_opt_in,
        created_date as known_since

    from {{ ref('stg_webshop_users') }}

),

crm as (

    select
        'crm' as source_system,
        cast(consumer_id as varchar) as source_id,
        {{ consumer_key('email', 'crm', 'consumer_id') }} as consumer_key,
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

    from {{ ref('stg_consumers') }}

),

final as (

    select *, {{ window_start() }} as _changed_at from erp
    union all
    select *, {{ window_start() }} as _changed_at from webshop
    union all
    select *, {{ window_start() }} as _changed_at from crm

)

select * from final
