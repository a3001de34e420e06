{#
    The keys of the conformed dimensions: 32 hexadecimal digits. Each is a pure function of one row, so the same person
    or product has the same key in every system and on every day, whatever else is known by then.
#}
{#
    A person is identified by the normalised e-mail address. Without one, each record is a consumer of its own, known in
    one system only. A record whose address changes belongs to another consumer from then on.
#}
{% macro consumer_key(email, system, id) -%}
    cast(md5(coalesce('email:' || {{ email }}, '{{ system }}:' || cast({{ id }} as varchar))) as varchar)
{%- endmacro %}

{# The key of a guest, who ordered without an account: by the e-mail address, as for everybody; null without one. #}
{% macro guest_key(email) -%} cast(md5('email:' || {{ email }}) as varchar) {%- endmacro %}

{# A guest's id among the web shop's consumers. It reveals no address, and no user's own id can look like it. #}
{% macro guest_id(email) -%} 'guest:' || {{ guest_key(email) }} {%- endmacro %}

{#
    A product is identified by its number: `ProductNumber` in the ERP, `sku` in the web shop and the inventory. Without
    one it is a product of its own, known in one system only.
#}
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

{# A state's id, unique over all countries. #}
{% macro state_id(country, state) -%}({{ country }} || '/' || {{ state }}) {%- endmacro %}

{# An ERP customer is the store that is bought for, else the person. `customer` is an alias of stg_customers. #}
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
    Joins the consumer and the product of each row, as `consumers` and `products`, by the source system's own ids.
    Select their keys with `identity_keys`, which puts the unknown member where either is not known.
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
    The type of a system's own keys: numbers, unless the system writes them as text (`#1001`). The run passes it in the
    variable `<system>_keys`, by the type in raw. Keys of two systems are compared as text.
#}
{% macro key_type(system) -%} {{ var(system ~ "_keys", "bigint") }} {%- endmacro %}

{#
    A text as a key of a system; null if it is none: a guest's id where keys are numbers. Not `dbt.safe_cast`, which
    dbt-duckdb leaves at a plain cast.
#}
{% macro as_key(value, system) -%} try_cast({{ value }} as {{ key_type(system) }}) {%- endmacro %}

{# A column that refers to another system's key, cast to that system's key type; null if it cannot be one. #}
{% macro foreign_key(column, system) -%}
    {{ as_key("cast(" ~ column ~ " as varchar)", system) }}
{%- endmacro %}

{# The key of the unknown member of every dimension: the source does not say, or names something that is not known. #}
{% macro unknown_key() -%} '00000000000000000000000000000000' {%- endmacro %}

{# Stands in for the order number of a return that names no order. #}
{% macro return_without_order(return_id) -%} 'return:' || cast({{ return_id }} as varchar) {%- endmacro %}
