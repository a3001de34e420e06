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
    The keys that the records of a relation (source_system, source_id) have had in any version that raw has
    seen, so that a record which became another consumer's touches both.
#}
{% macro consumer_keys_of(records) -%}
    select {{ erp_consumer_key('customers', normalised_email('emails.email_address')) }} as consumer_key
    from {{ source('erp', 'customer') }} as customers
    left join {{ source('erp', 'email_address') }} as emails on customers.person_id = emails.business_entity_id
    where cast(customers.customer_id as varchar) in (select source_id from {{ records }} where source_system = 'erp')

    union

    -- Who has an address may have had none before.
    select {{ erp_consumer_key('customers', 'cast(null as varchar)') }} as consumer_key
    from {{ source('erp', 'customer') }} as customers
    where cast(customers.customer_id as varchar) in (select source_id from {{ records }} where source_system = 'erp')

    {% for system, table, id, email in [
        ('webshop', 'users', 'id', 'email'), ('crm', 'consumers', 'consumer_id', 'consumer_email')
    ] -%}
    union

    select {{ consumer_key(normalised_email(email), system, id) }} as consumer_key
    from {{ source(system, table) }}
    where cast({{ id }} as varchar) in (select source_id from {{ records }} where source_system = '{{ system }}')

    {% endfor -%}
{%- endmacro %}

{# The keys that the changed records of the systems that describe products have had. #}
{% macro product_keys_of(records) -%}
    {% for system, table, id, number in [
        ('erp', 'product', 'product_id', 'product_number'), ('webshop', 'products', 'id', 'sku')
    ] -%}
    select {{ product_key(number, system, id) }} as product_key
    from {{ source(system, table) }}
    where cast({{ id }} as varchar) in (select source_id from {{ records }} where source_system = '{{ system }}')

    {{ 'union' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#
    The keys of products that were ordered from suppliers or are no longer stocked. The inventory's records are the
    numbers that its rows name; a number that none names any more is none.
#}
{% macro changed_stock_keys() -%}
    select {{ product_key('sku', 'inventory', 'sku') }} as product_key
    from {{ source('inventory', 'purchase_orders') }}
    where sku is not null
        and {{ of_changed_row(source('inventory', 'purchase_orders'), 'purchase_order_id') }}

    union

    select {{ product_key('sku', 'inventory', 'sku') }} as product_key
    from {{ source('inventory', 'stock_levels') }}
    where {{ changed_in_window() }}
        and sku not in (select source_id from {{ ref('wh_product_identities') }} where source_system = 'inventory')
{%- endmacro %}

{# Territories of the ERP of which something changed: themselves, or their country. #}
{% macro changed_territories() -%}
    select territory_id
    from {{ source('erp', 'sales_territory') }}
    where {{ changed_in_window() }}
        or country_region_code in (
            select country_region_code from {{ source('erp', 'country_region') }} where {{ changed_in_window() }}
        )
{%- endmacro %}
