{#
    The affected orders of all channels, with their days, consumers and products. As in affected_erp_sales, over all
    versions in raw, so the day, consumer and product that a line moved away from are affected too.
#}
{# Not CTEs: an engine that materializes a CTE that is read several times would materialize all of raw. #}
{% set order_versions = ref("stg_webshop_orders_versions") %}
{% set item_versions = ref("stg_webshop_order_items_versions") %}
{% set offer_versions = ref("stg_offers_versions") %}
{% set return_versions = ref("stg_sales_returns_versions") %}
{% set refund_versions = ref("stg_webshop_refunds_versions") %}
{% set payment_versions = ref("stg_webshop_payments_versions") %}
{% set redemption_versions = ref("stg_offer_redemptions_versions") %}

with

    erp_sales as (select * from {{ ref("affected_erp_sales") }} where scope = 'order'),

    changed_consumers as (

        {{
            changed_records(
                ref("wh_consumer_identities"),
                [("erp", "stg_customers", "customer_id"), ("webshop", "stg_webshop_users", "user_id")],
            )
        }}

    ),

    changed_products as (

        {{
            changed_records(
                ref("wh_product_identities"),
                [("erp", "stg_products", "product_id"), ("webshop", "stg_webshop_products", "product_id")],
            )
        }}

    ),

    changed_offers as (

        select special_offer_id
        from {{ offer_versions }}
        where {{ of_changed_row(offer_versions, "offer_id") }}

    ),

    -- The ERP's orders with a line whose consumer, product or offer has another key now.
    erp_rekeyed as (

        select sales_order_id
        from {{ ref("stg_sales_orders") }}
        where
            customer_id
            in (select {{ as_key("source_id", "erp") }} from changed_consumers where source_system = 'erp')

        union

        select sales_order_id
        from {{ ref("stg_sales_order_details") }}
        where
            product_id
            in (select {{ as_key("source_id", "erp") }} from changed_products where source_system = 'erp')

        union

        select sales_order_id
        from {{ ref("stg_sales_order_details") }}
        where special_offer_id in (select special_offer_id from changed_offers)

    ),

    -- A changed price affects the orders within its validity interval.
    repriced as ({{ repriced_in_webshop() }}),

    webshop_changed as (

        {{ changed_rows(order_versions, "order_id") }}
        union
        select order_id
        from {{ item_versions }}
        where {{ of_changed_row(item_versions, "order_item_id") }}
        union
        select order_id
        from {{ item_versions }}
        where {{ of_changed_row(ref("stg_webshop_inventory_items_versions"), "inventory_item_id") }}
        union
        select order_id
        from {{ order_versions }}
        where
            user_id in (
                select {{ as_key("source_id", "webshop") }}
                from changed_consumers
                where source_system = 'webshop'
            )
        union
        select order_id
        from {{ item_versions }}
        where
            product_id in (
                select {{ as_key("source_id", "webshop") }}
                from changed_products
                where source_system = 'webshop'
            )
        union
        select items.order_id
        from {{ ref("stg_webshop_order_items") }} as items
        inner join {{ ref("stg_webshop_orders") }} as orders on items.order_id = orders.order_id
        inner join repriced on items.product_id = repriced.product_id
        where {{ as_of("repriced", "orders.created_date") }}
        union
        select {{ foreign_key("order_id", "webshop") }} as order_id
        from {{ redemption_versions }}
        where order_system = 'webshop' and {{ of_changed_row(redemption_versions, "redemption_id") }}
        union
        select order_id
        from {{ payment_versions }}
        where {{ of_changed_row(payment_versions, "payment_id") }}
        union
        select order_id
        from {{ refund_versions }}
        where {{ of_changed_row(refund_versions, "refund_id") }}
        union
        select order_id
        from {{ item_versions }}
        where
            order_item_id in (
                select order_item_id
                from {{ refund_versions }}
                where {{ of_changed_row(refund_versions, "refund_id") }}
            )

    ),

    -- The web shop's refunds with every order that they belong, or ever belonged, to.
    refunds as (

        select refund_id, order_id, refunded_date, product_id
        from {{ refund_versions }}
        union
        select refunds.refund_id, items.order_id, refunds.refunded_date, refunds.product_id
        from {{ refund_versions }} as refunds
        inner join {{ item_versions }} as items on refunds.order_item_id = items.order_item_id

    ),

    -- Refunds without an order: they name none, and their order item is not there (yet).
    refunds_without_order as (

        select refund_id, refunded_date, product_id
        from {{ refund_versions }}
        where
            order_id is null
            and (
                ({{ of_changed_row(refund_versions, "refund_id") }})
                or order_item_id in (
                    select order_item_id
                    from {{ item_versions }}
                    where {{ of_changed_row(item_versions, "order_item_id") }}
                )
            )

    ),

    rekeyed_dates as (

        select orders.sales_order_id, orders.order_date as sales_date, orders.customer_id
        from {{ ref("stg_sales_orders") }} as orders
        where orders.sales_order_id in (select sales_order_id from erp_rekeyed)

        union all

        select sales_order_id, return_date as sales_date, cast(null as {{ key_type("erp") }}) as customer_id
        from {{ ref("stg_sales_returns") }}
        where sales_order_id in (select sales_order_id from erp_rekeyed)

    ),

    erp as (

        select sales_order_id, sales_date, customer_id, product_id
        from erp_sales
        union
        select sales_order_id, sales_date, customer_id, cast(null as {{ key_type("erp") }}) as product_id
        from rekeyed_dates
        union
        select
            sales_order_id,
            cast(null as date) as sales_date,
            cast(null as {{ key_type("erp") }}) as customer_id,
            product_id
        from {{ ref("stg_sales_order_details") }}
        where sales_order_id in (select sales_order_id from erp_rekeyed)

    ),

    webshop as (

        select
            order_id,
            created_date as sales_date,
            user_id,
            cast(null as {{ key_type("webshop") }}) as product_id
        from {{ order_versions }}
        where {{ among(["order_id"], "select order_id from webshop_changed") }}
        union
        select
            order_id,
            returned_date as sales_date,
            user_id,
            cast(null as {{ key_type("webshop") }}) as product_id
        from {{ order_versions }}
        where {{ among(["order_id"], "select order_id from webshop_changed") }}
        union
        select
            order_id,
            returned_date as sales_date,
            cast(null as {{ key_type("webshop") }}) as user_id,
            product_id
        from {{ item_versions }}
        where {{ among(["order_id"], "select order_id from webshop_changed") }}
        union
        select
            order_id,
            refunded_date as sales_date,
            cast(null as {{ key_type("webshop") }}) as user_id,
            product_id
        from {{ item_versions }}
        where refunded_date is not null and {{ among(["order_id"], "select order_id from webshop_changed") }}
        union
        select
            order_id,
            refunded_date as sales_date,
            cast(null as {{ key_type("webshop") }}) as user_id,
            product_id
        from refunds
        where order_id in (select order_id from webshop_changed)

    ),

    final as (

        select
            'erp' as source_system,
            cast(sales_order_id as varchar) as order_id,
            sales_date,
            cast(customer_id as varchar) as consumer_source_id,
            cast(product_id as varchar) as product_source_id
        from erp

        union all

        select
            'webshop' as source_system,
            cast(order_id as varchar) as order_id,
            sales_date,
            cast(user_id as varchar) as consumer_source_id,
            cast(product_id as varchar) as product_source_id
        from webshop

        union all

        -- A return that names no order gets a key of its own.
        select
            'webshop' as source_system,
            {{ return_without_order("refund_id") }} as order_id,
            refunded_date as sales_date,
            cast(null as varchar) as consumer_source_id,
            cast(product_id as varchar) as product_source_id
        from refunds_without_order

        union all

        select
            'erp' as source_system,
            {{ return_without_order("sales_return_id") }} as order_id,
            return_date as sales_date,
            cast(null as varchar) as consumer_source_id,
            cast(product_id as varchar) as product_source_id
        from {{ return_versions }}
        where sales_order_id is null and {{ of_changed_row(return_versions, "sales_return_id") }}

    )

select *
from final
