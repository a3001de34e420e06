{#
    The products that the ERP has ended, with their last day on sale; not those that it sells under another number still.
#}
{% macro ended_products() -%}
    select identities.product_key, cast(max(products.sell_end_date) as date) as last_date
    from {{ ref("stg_products") }} as products
    inner join
        {{ ref("wh_product_identities") }} as identities
        on identities.source_system = 'erp'
        and cast(products.product_id as varchar) = identities.source_id
    group by identities.product_key
    having count(*) = count(products.sell_end_date)
{%- endmacro %}
