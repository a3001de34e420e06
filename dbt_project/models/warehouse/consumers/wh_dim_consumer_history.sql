{% set address = ['city', 'state_province', 'country', 'latitude', 'longitude'] -%}

with

identities as (

    select * from {{ ref('wh_consumer_identities') }} where {{ only_touched(ref('touched_consumers')) }}

),

-- Where a customer of the ERP is stands in the address that the customer is linked to now; what the address said
-- before is in its versions.
main_addresses as (

    select *
    from {{ ref('stg_business_entity_addresses') }}
    qualify row_number() over (partition by business_entity_id order by address_type_id, address_id) = 1

),

erp as (

    select
        cast(customers.customer_id as varchar) as source_id,
        row_number() over (partition by customers.customer_id order by addresses._modified_at, addresses._loaded_at) as number,
        {{ local_date('addresses._modified_at') }} as modified_on,
        addresses._modified_at,
        addresses._loaded_at,
        addresses.city,
        states.state_province,
        countries.country,
        cast(null as double) as latitude,
        cast(null as double) as longitude,
        cast(null as boolean) as marketing_opt_in
    from {{ ref('stg_customers') }} as customers
    left join main_addresses as store_addresses on customers.store_id = store_addresses.business_entity_id
    inner join main_addresses
        on coalesce(store_addresses.business_entity_id, customers.person_id) = main_addresses.business_entity_id
    inner join {{ source('erp', 'address') }} as addresses on main_addresses.address_id = addresses.address_id
    left join {{ ref('stg_state_provinces') }} as states on addresses.state_province_id = states.state_province_id
    left join {{ ref('stg_country_regions') }} as countries on states.country_region_code = countries.country_region_code

),

{% set registers = {
    'webshop': ('users', 'id', 'cast(null as boolean)'),
    'crm': ('consumers', 'consumer_id', 'coalesce(marketing_opt_in, false)'),
} -%}

{% for system, (table, id, opt_in) in registers.items() -%}
{{ system }} as (

    select
        cast({{ id }} as varchar) as source_id,
        row_number() over (partition by {{ id }} order by _modified_at, _loaded_at) as number,
        {{ local_date('_modified_at') }} as modified_on,
        _modified_at,
        _loaded_at,
        city,
        state as state_province,
        country,
        latitude,
        longitude,
        {{ opt_in }} as marketing_opt_in
    from {{ source(system, table) }}

),

{% endfor -%}

-- The first version of a record holds from the day on which its system learned of the consumer; in the ERP an address
-- may be older than the customer, so its first version holds from the beginning. The last one of a day is the day's.
versions as (

    {% for system in ['erp', 'webshop', 'crm'] -%}
    select
        identities.consumer_key,
        '{{ system }}' as source_system,
        case
            when {{ system }}.number = 1 then {{ beginning_of_time() if system == 'erp' else 'identities.known_since' }}
            else {{ system }}.modified_on
        end as valid_from,
        {{ system }}._modified_at,
        {{ system }}._loaded_at,
        identities.source_id,
        {{ system }}.city,
        {{ system }}.state_province,
        {{ system }}.country,
        {{ system }}.latitude,
        {{ system }}.longitude,
        {{ system }}.marketing_opt_in
    from {{ system }}
    inner join identities
        on identities.source_system = '{{ system }}'
        and {{ system }}.source_id = identities.source_id
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

days as (

    select *
    from versions
    qualify row_number() over (
        partition by consumer_key, source_system, valid_from
        order by _modified_at desc nulls last, _loaded_at desc, source_id desc
    ) = 1

),

moments as (

    select
        consumer_key,
        valid_from,
        {% for system in ['erp', 'webshop', 'crm'] -%}
        max(case when source_system = '{{ system }}' then valid_from end) as {{ system }}_from{{ ',' if not loop.last }}
        {% endfor %}
    from days
    group by consumer_key, valid_from

),

filled as (

    select
        consumer_key,
        valid_from,
        {% for system in ['erp', 'webshop', 'crm'] -%}
        {{ last_known(system ~ '_from', 'consumer_key', 'valid_from') }} as {{ system }}_from{{ ',' if not loop.last }}
        {% endfor %}
    from moments

),

-- What the CRM says comes before what the web shop says, and that before the ERP; an address is taken whole.
combined as (

    select
        filled.consumer_key,
        filled.valid_from,
        {% for column in address -%}
        case
            when crm.country is not null then crm.{{ column }}
            when webshop.country is not null then webshop.{{ column }}
            else erp.{{ column }}
        end as {{ column }},
        {% endfor -%}
        crm.marketing_opt_in
    from filled
    {% for system in ['erp', 'webshop', 'crm'] -%}
    left join days as {{ system }}
        on {{ system }}.source_system = '{{ system }}'
        and filled.consumer_key = {{ system }}.consumer_key
        and filled.{{ system }}_from = {{ system }}.valid_from
    {% endfor %}

),

changes as (

    select
        *,
        row_number() over (partition by consumer_key order by valid_from) as number,
        {% for column in address + ['marketing_opt_in'] -%}
        {{ column }} is not distinct from lag({{ column }}) over (partition by consumer_key order by valid_from) and
        {% endfor -%}
        true as is_repeated
    from combined

),

final as (

    select
        consumer_key,
        case when number = 1 then {{ beginning_of_time() }} else valid_from end as valid_from,
        lead(valid_from) over (partition by consumer_key order by valid_from) as valid_to,
        {% for column in address -%}
        {{ column }},
        {% endfor -%}
        marketing_opt_in
    from changes
    where number = 1 or not is_repeated

)

select * from final
