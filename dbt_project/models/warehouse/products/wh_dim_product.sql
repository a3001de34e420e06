{{ affected_by("affected_products") }}

with

    identities as (select * from {{ ref("wh_product_identities") }} where {{ is_affected() }}),

    sales as (select * from {{ ref("wh_fact_sales") }} where {{ is_affected() }}),

    history as (select * from {{ ref("wh_dim_product_history") }}),

    -- Today's cost and price are the product's own: the histories also have future ones.
    erp_products as (

        select
            identities.product_key,
            max(products.list_price) as list_price,
            max(products.standard_cost) as standard_cost
        from {{ ref("stg_products") }} as products
        inner join
            identities
            on identities.source_system = 'erp'
            and cast(products.product_id as varchar) = identities.source_id
        group by identities.product_key

    ),

    -- The ERP's description wins over the web shop's; product numbers are the same in all systems.
    described as (

        select
            product_key,
            max(product_number) as product_number,
            {% for column in ["product", "category"] -%}
                coalesce(
                    max(case when source_system = 'erp' then {{ column }} end),
                    max(case when source_system = 'webshop' then {{ column }} end),
                    max({{ column }})
                ) as {{ column }},
            {% endfor -%}
            max(subcategory) as subcategory,
            max(department) as department,
            max(brand) as brand,
            {% for system in ["erp", "webshop", "inventory"] -%}
                max(case when source_system = '{{ system }}' then 1 else 0 end)
                = 1 as in_{{ system }}{{ ',' if not loop.last }}
            {% endfor %}
        from identities
        group by product_key

    ),

    suppliers as (

        select identities.product_key, orders.supplier
        from {{ ref("stg_purchase_orders") }} as orders
        inner join identities on identities.source_system = 'inventory' and orders.sku = identities.source_id
        qualify
            row_number() over (
                partition by identities.product_key
                order by orders.order_date desc nulls last, orders.purchase_order_id desc nulls last
            )
            = 1

    ),

    sold as (

        select
            product_key,
            min(order_date) as first_sale_date,
            max(order_date) as last_sale_date,
            sum(quantity) as lifetime_quantity,
            sum(net_amount) as lifetime_revenue,
            sum(margin) as lifetime_margin,
            sum(return_quantity) as returned_quantity
        from sales
        where is_sale
        group by product_key

    ),

    final as (

        select
            described.product_key,
            described.product_number,
            described.product,
            described.category,
            described.subcategory,
            described.department,
            described.brand,
            suppliers.supplier,
            coalesce(erp_products.list_price, history.list_price) as list_price,
            coalesce(erp_products.standard_cost, history.standard_cost) as standard_cost,
            described.in_erp,
            described.in_webshop,
            described.in_inventory,
            sold.first_sale_date,
            sold.last_sale_date,
            cast(coalesce(sold.lifetime_quantity, 0) as decimal(38, 4)) as lifetime_quantity,
            cast(coalesce(sold.lifetime_revenue, 0) as decimal(38, 6)) as lifetime_revenue,
            cast(coalesce(sold.lifetime_margin, 0) as decimal(38, 6)) as lifetime_margin,
            {{ ratio("sold.returned_quantity", "sold.lifetime_quantity", 6, 9) }} as return_rate

        from described
        left join suppliers on described.product_key = suppliers.product_key
        left join sold on described.product_key = sold.product_key
        left join erp_products on described.product_key = erp_products.product_key
        left join history on described.product_key = history.product_key and history.valid_to is null

    )

select *
from final
