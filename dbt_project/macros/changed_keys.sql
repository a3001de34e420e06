{#
    The records that changed in the window, by a model of identities (which source record is which consumer or product).
    Records that left it, deleted or quarantined, are found in the `*_versions` models, which still have them.
    `tables` are (system, staging model, its key).
#}
{% macro changed_records(identities, tables) -%}
    select source_system, source_id
    from {{ identities }}
    where {{ in_window("_changed_at") }}

    {% for system, model_name, id in tables -%}
        union

        select '{{ system }}' as source_system, cast({{ id }} as varchar) as source_id
        from {{ ref(model_name ~ "_versions") }}
        where
            {{ changed_in_window() }}
            and cast({{ id }} as varchar)
            not in (select source_id from {{ identities }} where source_system = '{{ system }}')

    {% endfor -%}
{%- endmacro %}

{#
    Every consumer key that the records of a relation (source_system, source_id) have had, over all versions in raw. So
    a record that moved from one consumer to another affects both.
#}
{% macro consumer_keys_of(records) -%}
    select {{ erp_consumer_key("customers", "emails.email") }} as consumer_key
    from {{ ref("stg_customers_versions") }} as customers
    left join
        {{ ref("stg_email_addresses_versions") }} as emails on customers.person_id = emails.business_entity_id
    where
        cast(customers.customer_id as varchar)
        in (select source_id from {{ records }} where source_system = 'erp')

    union

    -- A customer with an e-mail address may have had none before.
    select {{ erp_consumer_key("customers", "cast(null as varchar)") }} as consumer_key
    from {{ ref("stg_customers_versions") }} as customers
    where
        cast(customers.customer_id as varchar)
        in (select source_id from {{ records }} where source_system = 'erp')

    {% for system, model_name, id in [
            ("webshop", "stg_webshop_users", "user_id"),
            ("crm", "stg_consumers", "consumer_id"),
        ] -%}
        union

        select {{ consumer_key("email", system, id) }} as consumer_key
        from {{ ref(model_name ~ "_versions") }}
        where
            cast({{ id }} as varchar)
            in (select source_id from {{ records }} where source_system = '{{ system }}')

    {% endfor -%}
{%- endmacro %}

{# The same for products: every product key that these records have had. #}
{% macro product_keys_of(records) -%}
    {% for system, model_name, number in [
        ("erp", "stg_products", "product_number"),
        ("webshop", "stg_webshop_products", "sku"),
    ] -%}
        select {{ product_key(number, system, "product_id") }} as product_key
        from {{ ref(model_name ~ "_versions") }}
        where
            cast(product_id as varchar)
            in (select source_id from {{ records }} where source_system = '{{ system }}')

            {{ 'union' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#
    The keys of products with a changed purchase order, and of those that are no longer stocked. The inventory system
    has no product table: a product is known from it only while some row names its sku.
#}
{% macro changed_stock_keys() -%}
    select {{ product_key("sku", "inventory", "sku") }} as product_key
    from {{ ref("stg_purchase_orders_versions") }}
    where sku is not null and {{ of_changed_row(ref("stg_purchase_orders_versions"), "purchase_order_id") }}

    union

    select {{ product_key("sku", "inventory", "sku") }} as product_key
    from {{ ref("stg_inventory_versions") }}
    where
        {{ changed_in_window() }}
        and sku
        not in (select source_id from {{ ref("wh_product_identities") }} where source_system = 'inventory')
{%- endmacro %}

{# Territories of the ERP that changed, or whose country did. #}
{% macro changed_territories() -%}
    select territory_id
    from {{ ref("stg_sales_territories_versions") }}
    where
        {{ changed_in_window() }}
        or country_region_code in (
            select country_region_code
            from {{ ref("stg_country_regions_versions") }}
            where {{ changed_in_window() }}
        )
{%- endmacro %}

{# Campaigns that changed, and those that run, or ever ran, on a media channel that changed. #}
{% macro changed_campaigns() -%}
    select campaign_id
    from {{ ref("stg_campaigns_versions") }}
    where {{ changed_in_window() }}
    union
    select campaign_id
    from {{ ref("stg_campaigns_versions") }}
    where
        media_channel_id in (
            select media_channel_id
            from {{ ref("stg_media_channels_versions") }}
            where {{ changed_in_window() }}
        )
{%- endmacro %}

{#
    CRM consumers whose identity changed in the window: it is new, it is another one, or it is gone because the consumer
    was erased or the row is in quarantine.
#}
{% macro reidentified_crm_consumers() -%}
    select cast(source_id as {{ key_type("crm") }}) as consumer_id
    from
        (
            {{ changed_records(ref("wh_consumer_identities"), [("crm", "stg_consumers", "consumer_id")]) }}
        ) as changed
    where source_system = 'crm'
{%- endmacro %}
