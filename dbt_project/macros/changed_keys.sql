{#
    The records of a model of identities that the window changed, and those that it took out: raw knows them,
    and they are not in the identities. `tables` are (system, raw table, its key).
#}
{% macro changed_records(identities, tables) -%}
    select source_system, source_id from {{ identities }} where {{ in_window('_changed_at') }}

    {% for system, table, id in tables -%}
    union

    select '{{ system }}' as source_system, cast({{ id }} as varchar) as source_id
    from {{ source(system, table) }}
    where {{ changed_in_window() }}
        and cast({{ id }} as varchar) not in (
            select source_id from {{ identities }} where source_system = '{{ system }}'
        )

    {% endfor -%}
{%- endmacro %}

{#
    The keys of everybody whose record in a system changed in the window: those that the record has had in
    any version that raw has seen, so that a record which became another consumer's touches both.
#}
{% macro changed_consumer_keys() -%}
    select {{ erp_consumer_key('customers', normalised_email('emails.email_address')) }} as consumer_key
    from {{ source('erp', 'customer') }} as customers
    left join {{ source('erp', 'email_address') }} as emails on customers.person_id = emails.business_entity_id
    where customers.customer_id in (
        select customer_id from {{ source('erp', 'customer') }} where {{ changed_in_window() }}
        union
        select customer_id from {{ source('erp', 'customer') }}
        where person_id in (select business_entity_id from {{ source('erp', 'email_address') }} where {{ changed_in_window() }})
    )

    union

    -- Who had an address may have had none before, or have none now.
    select {{ erp_consumer_key('customers', 'cast(null as varchar)') }} as consumer_key
    from {{ source('erp', 'customer') }} as customers
    where customers.person_id in (
        select business_entity_id from {{ source('erp', 'email_address') }} where {{ changed_in_window() }}
    )

    {% for system, table, id, email in [
        ('webshop', 'users', 'id', 'email'), ('crm', 'consumers', 'consumer_id', 'consumer_email')
    ] -%}
    union

    select {{ consumer_key(normalised_email(email), system, id) }} as consumer_key
    from {{ source(system, table) }}
    where {{ id }} in (select {{ id }} from {{ source(system, table) }} where {{ changed_in_window() }})

    {% endfor -%}
    union

    -- What a record is described with besides, such as its address.
    select consumer_key from {{ ref('wh_consumer_identities') }} where {{ in_window('_changed_at') }}
{%- endmacro %}

{# The same of products. #}
{% macro changed_product_keys() -%}
    {% for system, table, id, number in [
        ('erp', 'product', 'product_id', 'product_number'), ('webshop', 'products', 'id', 'sku')
    ] -%}
    select {{ product_key(number, system, id) }} as product_key
    from {{ source(system, table) }}
    where {{ id }} in (select {{ id }} from {{ source(system, table) }} where {{ changed_in_window() }})

    union

    {% endfor -%}
    -- The inventory's records are the numbers that its rows name; a number that none names any more is none.
    select {{ product_key('sku', 'inventory', 'sku') }} as product_key
    from {{ source('inventory', 'purchase_orders') }}
    where sku is not null
        and purchase_order_id in (
            select purchase_order_id from {{ source('inventory', 'purchase_orders') }} where {{ changed_in_window() }}
        )

    union

    select {{ product_key('sku', 'inventory', 'sku') }} as product_key
    from {{ source('inventory', 'stock_levels') }}
    where {{ changed_in_window() }}
        and sku not in (select source_id from {{ ref('wh_product_identities') }} where source_system = 'inventory')

    union

    select product_key from {{ ref('wh_product_identities') }} where {{ in_window('_changed_at') }}
{%- endmacro %}
