{#
    The affected keys of the ERP's sales: what its facts and marts recompute in this run. Computed over all versions in
    raw, not only the current rows, so an order that moved to another day affects both days, and a deleted line affects
    the product that it had.
#}
{# Not CTEs: an engine that materializes a CTE that is read several times would materialize all of raw. #}
{% set order_versions = ref("stg_sales_orders_versions") %}
{% set detail_versions = ref("stg_sales_order_details_versions") %}
{% set return_versions = ref("stg_sales_returns_versions") %}
{% set orders = ref("stg_sales_orders") %}
{% set order_details = ref("stg_sales_order_details") %}

with

    {% set described = {
        "customer": ("stg_customers", "customer_id"),
        "product": ("stg_products", "product_id"),
        "special_offer": ("stg_special_offers", "special_offer_id"),
        "sales_territory": ("stg_sales_territories", "territory_id"),
    } -%}

    -- Customers, products, ... whose description changed. A staging model may join its description from
    -- several tables, so it knows of their changes; only the versions know of rows that left staging.
    {% for entity, (model_name, key) in described.items() -%}
        changed_{{ entity }} as (

            select {{ key }}
            from {{ ref(model_name) }}
            where {{ in_window("_changed_at") }}
            union
            select {{ key }}
            from {{ ref(model_name ~ "_versions") }}
            where {{ changed_in_window() }}

        ),

    {% endfor -%}

    -- A changed cost or list price affects the product's orders within its validity interval.
    repriced as ({{ repriced_in_erp("changed_product") }}),

    changed_keys as (

        {{ changed_rows(order_versions, "sales_order_id") }}
        union
        {{ changed_rows(detail_versions, "sales_order_id") }}
        union
        -- A return that moved to another order affects both.
        select sales_order_id
        from {{ return_versions }}
        where sales_order_id is not null and {{ of_changed_row(return_versions, "sales_return_id") }}
        union
        select order_details.sales_order_id
        from {{ order_details }} as order_details
        inner join {{ orders }} as orders on order_details.sales_order_id = orders.sales_order_id
        inner join
            repriced
            on order_details.product_id = repriced.product_id
            and {{ as_of("repriced", "orders.order_date") }}

    ),

    order_days as (

        select distinct sales_order_id, order_date as sales_date, customer_id
        from {{ order_versions }}
        where {{ among(["sales_order_id"], "select sales_order_id from changed_keys") }}

    ),

    return_days as (

        select distinct sales_order_id, return_date as sales_date
        from {{ return_versions }}
        where {{ among(["sales_order_id"], "select sales_order_id from changed_keys") }}

    ),

    line_products as (

        select distinct sales_order_id, product_id
        from {{ detail_versions }}
        where {{ among(["sales_order_id"], "select sales_order_id from changed_keys") }}

        union

        select sales_order_id, product_id
        from {{ return_versions }}
        where
            product_id is not null
            and {{ among(["sales_order_id"], "select sales_order_id from changed_keys") }}

    ),

    activity as (

        select sales_order_id, sales_date, customer_id
        from order_days
        union
        select return_days.sales_order_id, return_days.sales_date, order_days.customer_id
        from return_days
        left join order_days on return_days.sales_order_id = order_days.sales_order_id

    ),

    -- Left joins: lines may arrive before their header, and the order is affected all the same.
    changed_orders as (

        select
            changed_keys.sales_order_id, activity.sales_date, activity.customer_id, line_products.product_id
        from changed_keys
        left join activity on changed_keys.sales_order_id = activity.sales_order_id
        left join line_products on changed_keys.sales_order_id = line_products.sales_order_id

    ),

    sales_dates as (

        select sales_order_id, order_date as sales_date
        from {{ orders }} as orders
        union all
        select sales_order_id, return_date as sales_date
        from {{ ref("stg_sales_returns") }}

    ),

    -- A description is repeated in a mart on each day, so it affects every day of the customer, product,
    -- offer or territory.
    redescribed as (

        select
            'customer' as scope,
            sales_dates.sales_date,
            orders.customer_id,
            cast(null as {{ key_type("erp") }}) as product_id
        from changed_customer as customers
        inner join {{ orders }} as orders on customers.customer_id = orders.customer_id
        inner join sales_dates on orders.sales_order_id = sales_dates.sales_order_id

        union

        select
            'product' as scope,
            sales_dates.sales_date,
            cast(null as {{ key_type("erp") }}) as customer_id,
            products.product_id
        from changed_product as products
        inner join {{ order_details }} as order_details on products.product_id = order_details.product_id
        inner join sales_dates on order_details.sales_order_id = sales_dates.sales_order_id

        union

        select
            'offer' as scope,
            sales_dates.sales_date,
            cast(null as {{ key_type("erp") }}) as customer_id,
            order_details.product_id
        from changed_special_offer as offers
        inner join
            {{ order_details }} as order_details on offers.special_offer_id = order_details.special_offer_id
        inner join sales_dates on order_details.sales_order_id = sales_dates.sales_order_id

        union

        select
            'territory' as scope,
            sales_dates.sales_date,
            cast(null as {{ key_type("erp") }}) as customer_id,
            cast(null as {{ key_type("erp") }}) as product_id
        from changed_sales_territory as territories
        inner join {{ orders }} as orders on territories.territory_id = orders.territory_id
        inner join sales_dates on orders.sales_order_id = sales_dates.sales_order_id

    ),

    -- Returns that name no order affect only their day and product.
    returns_without_order as (

        select return_date as sales_date, product_id
        from {{ return_versions }}
        where sales_order_id is null and {{ of_changed_row(return_versions, "sales_return_id") }}

    ),

    final as (

        select 'order' as scope, sales_order_id, sales_date, customer_id, product_id
        from changed_orders
        union
        select
            scope, cast(null as {{ key_type("erp") }}) as sales_order_id, sales_date, customer_id, product_id
        from redescribed
        union
        select
            'return' as scope,
            cast(null as {{ key_type("erp") }}) as sales_order_id,
            sales_date,
            cast(null as {{ key_type("erp") }}) as customer_id,
            product_id
        from returns_without_order

    )

select *
from final
