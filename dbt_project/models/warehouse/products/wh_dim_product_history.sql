{{ affected_by("affected_products") }}

with

    identities as (select * from {{ ref("wh_product_identities") }} where {{ is_affected() }}),

    erp_products as (

        select identities.product_key, products.*
        from {{ ref("stg_products") }} as products
        inner join
            identities
            on identities.source_system = 'erp'
            and cast(products.product_id as varchar) = identities.source_id

    ),

    webshop_prices as ({{ webshop_prices() }}),

    -- Before the first row of its history, the product's own cost and price hold.
    known as (

        select
            product_key,
            {{ beginning_of_time() }} as valid_from,
            list_price as erp_price,
            standard_cost as erp_cost,
            cast(null as decimal(19, 4)) as webshop_price,
            cast(null as decimal(19, 4)) as webshop_cost
        from erp_products

        union all

        select erp_products.product_key, history.valid_from, history.list_price, null, null, null
        from {{ ref("stg_product_list_price_history") }} as history
        inner join erp_products on history.product_id = erp_products.product_id

        union all

        select erp_products.product_key, history.valid_from, null, history.standard_cost, null, null
        from {{ ref("stg_product_cost_history") }} as history
        inner join erp_products on history.product_id = erp_products.product_id

        union all

        select identities.product_key, prices.valid_from, null, null, prices.retail_price, prices.cost
        from webshop_prices as prices
        inner join
            identities
            on identities.source_system = 'webshop'
            and cast(prices.product_id as varchar) = identities.source_id

    ),

    days as (

        select
            product_key,
            valid_from,
            max(erp_price) as erp_price,
            max(erp_cost) as erp_cost,
            max(webshop_price) as webshop_price,
            max(webshop_cost) as webshop_cost
        from known
        group by product_key, valid_from

    ),

    filled as (

        select
            product_key,
            valid_from,
            {% for column in ["erp_price", "erp_cost", "webshop_price", "webshop_cost"] -%}
                {{ last_known(column, "product_key", "valid_from") }}
                as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from days

    ),

    -- The ERP's list price wins over the web shop's.
    versions as (

        select
            product_key,
            valid_from,
            cast(coalesce(erp_price, webshop_price) as decimal(19, 4)) as list_price,
            cast(coalesce(erp_cost, webshop_cost) as decimal(19, 4)) as standard_cost
        from filled

    ),

    final as ({{ periods("versions", "product_key", ["list_price", "standard_cost"]) }})

select *
from final
