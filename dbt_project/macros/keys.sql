{#
    The keys of the conformed dimensions: 32 hexadecimal digits. Each is a pure function of one row, so that
    the same person or product has the same key in every system and on every day, whoever is known by then.
#}
{#
    A person is an e-mail address, normalised; whoever has none is one consumer per system.
    A changed address makes the record another consumer's from then on.
#}
{% macro consumer_key(email, system, id) -%}
    cast(md5(coalesce('email:' || {{ email }}, '{{ system }}:' || cast({{ id }} as varchar))) as varchar)
{%- endmacro %}

{# Who ordered without a record of their own is their e-mail address, as everybody is; null if there is none. #}
{% macro guest_key(email) -%} cast(md5('email:' || {{ email }}) as varchar) {%- endmacro %}

{# A guest's number among the web shop's consumers: no address, and none that a user could have. #}
{% macro guest_id(email) -%} 'guest:' || {{ guest_key(email) }} {%- endmacro %}

{# A product is its number, which is the web shop's and the inventory's sku; without one it is its system's. #}
{% macro product_key(number, system, id) -%}
    cast(
        md5(
            coalesce(
                'number:' || nullif(upper(trim({{ number }})), ''),
                '{{ system }}:' || cast({{ id }} as varchar)
            )
        ) as varchar
    )
{%- endmacro %}

{# A 'shop', 'distribution center', 'territory', 'state' (its id: country/state) or 'country'. #}
{% macro location_key(type, id) -%}
    cast(md5('{{ type }}:' || cast({{ id }} as varchar)) as varchar)
{%- endmacro %}

{# What a state is called among the states of all countries. #}
{% macro state_id(country, state) -%}({{ country }} || '/' || {{ state }}) {%- endmacro %}

{# An ERP customer is the store that it buys for, else the person. `customer` is an alias of a row of customers. #}
{% macro erp_consumer_key(customer, email) -%}
    {{
        consumer_key(
            "case when " ~ customer ~ ".store_id is null then " ~ email ~ " end",
            "erp",
            "coalesce('store:' || cast("
            ~ customer
            ~ ".store_id as varchar), 'person:' || cast("
            ~ customer
            ~ ".person_id as varchar), 'customer:' || cast("
            ~ customer
            ~ ".customer_id as varchar))",
        )
    }}
{%- endmacro %}

{#
    Who and what the rows of a relation are of, by its system's own numbers: `consumers` and `products`. Select them
    by `identity_keys`, so that who or what is not known is the unknown member.
#}
{% macro join_identities(rows) -%}
    left join
        {{ ref("wh_consumer_identities") }} as consumers
        on {{ rows }}.source_system = consumers.source_system
        and {{ rows }}.consumer_source_id = consumers.source_id
    left join
        {{ ref("wh_product_identities") }} as products
        on {{ rows }}.source_system = products.source_system
        and {{ rows }}.product_source_id = products.source_id
{%- endmacro %}

{# The columns consumer_key and product_key, after `join_identities` of rows that may be a guest's. #}
{% macro identity_keys(rows) -%}
    coalesce(consumers.consumer_key, {{ rows }}.guest_key, {{ unknown_key() }}) as consumer_key,
    coalesce(products.product_key, {{ unknown_key() }}) as product_key
{%- endmacro %}

{#
    The type of a system's own keys: numbers, unless the system writes them as text (`#1001`). The run says so in the
    variables `<system>_keys`, by what raw holds. Where keys of two systems meet, they meet as text.
#}
{% macro key_type(system) -%} {{ var(system ~ "_keys", "bigint") }} {%- endmacro %}

{# A key of another system, as a system writes it that has other keys itself; null if it cannot be one. #}
{% macro foreign_key(column, system) -%}
    {{ dbt.safe_cast("cast(" ~ column ~ " as varchar)", key_type(system)) }}
{%- endmacro %}

{# The member of every dimension that stands for what a row does not say, or says of somebody or something not known. #}
{% macro unknown_key() -%} '00000000000000000000000000000000' {%- endmacro %}

{# What stands in the place of an order's number for a return that names none. #}
{% macro return_without_order(return_id) -%} 'return:' || cast({{ return_id }} as varchar) {%- endmacro %}
