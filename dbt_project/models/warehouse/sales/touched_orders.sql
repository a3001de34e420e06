{{ config(materialized='table') }}

{#
    What the window touches of all channels' orders. As in touched_sales, every version that raw has seen
    counts, so that the day, the consumer and the product that a line was moved away from are touched too.
#}

{# Not as CTEs: an engine that keeps what several read would keep all of raw. #}
{% set orders = source('webshop', 'orders') %}
{% set order_items = source('webshop', 'order_items') %}

with

erp_sales as (

    select * from {{ ref('touched_sales') }} where scope = 'order'

),

changed_consumers as (

    {{ changed_records(ref('wh_consumer_identities'), [
        ('erp', 'customer', 'customer_id'), ('webshop', 'users', 'id')
    ]) }}

),

changed_products as (

    {{ changed_records(ref('wh_product_identities'), [
        ('erp', 'product', 'product_id'), ('webshop', 'products', 'id')
    ]) }}

),

changed_offers as (

    select special_offer_id
    from {{ source('marketing', 'offers') }}
    where {{ of_changed_row(source('marketing', 'offers'), 'offer_id') }}

),

-- The ERP's orders whose lines are described anew.
erp_rekeyed as (

    select sales_order_id
    from {{ ref('stg_sales_orders') }}
    where customer_id in (select cast(source_id as bigint) from changed_consumers where source_system = 'erp')

    union

    select sales_order_id
    from {{ ref('stg_sales_order_details') }}
    where product_id in (select cast(source_id as bigint) from changed_products where source_system = 'erp')

    union

    select sales_order_id
    from {{ ref('stg_sales_order_details') }}
    where special_offer_id in (select special_offer_id from changed_offers)

),

-- A price reaches the orders from its first day on.
repriced as (

    {{ repriced_in_webshop() }}

),

webshop_touched as (

    {{ changed_rows(orders, 'order_id') }}
    union
    select order_id from {{ order_items }} where {{ of_changed_row(order_items, 'id') }}
    union
    select order_id from {{ order_items }}
    where {{ among(['inventory_item_id'], changed_rows(source('webshop', 'inventory_items'), 'id'), ['id']) }}
    union
    select order_id from {{ orders }}
    where user_id in (select cast(source_id as bigint) from changed_consumers where source_system = 'webshop')
    union
    select order_id from {{ order_items }}
    where product_id in (select cast(source_id as bigint) from changed_products where source_system = 'webshop')
    union
    select items.order_id
    from {{ ref('stg_webshop_order_items') }} as items
    inner join {{ ref('stg_webshop_orders') }} as orders on items.order_id = orders.order_id
    inner join repriced on items.product_id = repriced.product_id
    where {{ as_of('repriced', 'orders.created_date') }}
    union
    select order_id
    from {{ source('marketing', 'offer_redemptions') }}
    where order_system = 'webshop'
        and {{ of_changed_row(source('marketing', 'offer_redemptions'), 'redemption_id') }}

),

rekeyed_dates as (

    select
        orders.sales_order_id,
        orders.order_date as sales_date,
        orders.customer_id
    from {{ ref('stg_sales_orders') }} as orders
    where orders.sales_order_id in (select sales_order_id from erp_rekeyed)

    union all

    select
        sales_order_id,
        return_date as sales_date,
        cast(null as bigint) as customer_id
    from {{ ref('stg_sales_returns') }}
    where sales_order_id in (select sales_order_id from erp_rekeyed)

),

erp as (

    select sales_order_id, sales_date, customer_id, product_id from erp_sales
    union
    select sales_order_id, sales_date, customer_id, cast(null as bigint) as product_id from rekeyed_dates
    union
    select sales_order_id, cast(null as date) as sales_date, cast(null as bigint) as customer_id, product_id
    from {{ ref('stg_sales_order_details') }}
    where sales_order_id in (select sales_order_id from erp_rekeyed)

),

webshop as (

    select order_id, {{ local_date('created_at') }} as sales_date, user_id, cast(null as bigint) as product_id
    from {{ orders }} where {{ among(['order_id'], 'select order_id from webshop_touched') }}
    union
    select order_id, {{ local_date('returned_at') }} as sales_date, user_id, cast(null as bigint) as product_id
    from {{ orders }} where {{ among(['order_id'], 'select order_id from webshop_touched') }}
    union
    select order_id, {{ local_date('returned_at') }} as sales_date, cast(null as bigint) as user_id, product_id
    from {{ order_items }} where {{ among(['order_id'], 'select order_id from webshop_touched') }}

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

)

select * from final
