{{ config(materialized='table') }}

{#
    What the run's window touches, and so what facts and marts compute anew. It looks at every version
    that raw has seen, not at the current rows: an order that was moved to another day touches both days,
    and a line that was deleted touches the product that it had.
#}

{# Not as CTEs: an engine that keeps what several read would keep all of raw. #}
{% set headers = source('erp', 'sales_order_header') %}
{% set details = source('erp', 'sales_order_detail') %}
{% set returns = source('erp', 'sales_return') %}
{% set orders = ref('stg_sales_orders') %}
{% set order_details = ref('stg_sales_order_details') %}

with

{% set described = {
    'customer': ('stg_customers', 'customer_id'),
    'product': ('stg_products', 'product_id'),
    'special_offer': ('stg_special_offers', 'special_offer_id'),
    'sales_territory': ('stg_sales_territories', 'territory_id'),
} -%}

-- What is described anew: staging knows of changes in all that a description is joined from, raw of rows
-- that are gone from staging.
{% for table, (model_name, key) in described.items() -%}
changed_{{ table }} as (

    select {{ key }} from {{ ref(model_name) }} where {{ in_window('_changed_at') }}
    union
    select {{ key }} from {{ source('erp', table) }} where {{ changed_in_window() }}

),

{% endfor -%}

-- A cost or list price reaches the orders of its product on the days that it stands.
repriced as (

    {{ repriced_in_erp('changed_product') }}

),

touched_orders as (

    {{ changed_rows(headers, 'sales_order_id') }}
    union
    {{ changed_rows(details, 'sales_order_id') }}
    union
    -- A return that was moved to another order touches both.
    select sales_order_id from {{ returns }} as returns where {{ of_changed_row(returns, 'sales_return_id') }}
    union
    select order_details.sales_order_id
    from {{ order_details }} as order_details
    inner join {{ orders }} as orders on order_details.sales_order_id = orders.sales_order_id
    inner join repriced
        on order_details.product_id = repriced.product_id
        and {{ as_of('repriced', 'orders.order_date') }}

),

order_versions as (

    select distinct
        headers.sales_order_id,
        {{ local_date('headers.order_date') }} as sales_date,
        headers.customer_id
    from {{ headers }} as headers
    where {{ among(['headers.sales_order_id'], 'select sales_order_id from touched_orders') }}

),

return_dates as (

    select distinct
        returns.sales_order_id,
        {{ local_date('returns.return_date') }} as sales_date
    from {{ returns }} as returns
    where {{ among(['returns.sales_order_id'], 'select sales_order_id from touched_orders') }}

),

line_versions as (

    select distinct
        details.sales_order_id,
        details.product_id
    from {{ details }} as details
    where {{ among(['details.sales_order_id'], 'select sales_order_id from touched_orders') }}

),

activity as (

    select sales_order_id, sales_date, customer_id from order_versions
    union
    select order_versions.sales_order_id, return_dates.sales_date, order_versions.customer_id
    from order_versions
    inner join return_dates on order_versions.sales_order_id = return_dates.sales_order_id

),

-- Lines may arrive before their header does; the order is touched all the same.
changed_orders as (

    select
        touched_orders.sales_order_id,
        activity.sales_date,
        activity.customer_id,
        line_versions.product_id
    from touched_orders
    left join activity on touched_orders.sales_order_id = activity.sales_order_id
    left join line_versions on touched_orders.sales_order_id = line_versions.sales_order_id

),

sales_dates as (

    select sales_order_id, order_date as sales_date from {{ orders }} as orders
    union all
    select sales_order_id, return_date as sales_date from {{ ref('stg_sales_returns') }}

),

-- What a mart says of a customer, a product, an offer or a territory stands on each of its days.
redescribed as (

    select 'customer' as scope, sales_dates.sales_date, orders.customer_id, cast(null as bigint) as product_id
    from changed_customer as customers
    inner join {{ orders }} as orders on customers.customer_id = orders.customer_id
    inner join sales_dates on orders.sales_order_id = sales_dates.sales_order_id

    union

    select 'product' as scope, sales_dates.sales_date, cast(null as bigint) as customer_id, products.product_id
    from changed_product as products
    inner join {{ order_details }} as order_details on products.product_id = order_details.product_id
    inner join sales_dates on order_details.sales_order_id = sales_dates.sales_order_id

    union

    select 'offer' as scope, sales_dates.sales_date, cast(null as bigint) as customer_id, order_details.product_id
    from changed_special_offer as offers
    inner join {{ order_details }} as order_details on offers.special_offer_id = order_details.special_offer_id
    inner join sales_dates on order_details.sales_order_id = sales_dates.sales_order_id

    union

    select 'territory' as scope, sales_dates.sales_date, cast(null as bigint) as customer_id, cast(null as bigint) as product_id
    from changed_sales_territory as territories
    inner join {{ orders }} as orders on territories.territory_id = orders.territory_id
    inner join sales_dates on orders.sales_order_id = sales_dates.sales_order_id

),

final as (

    select 'order' as scope, sales_order_id, sales_date, customer_id, product_id from changed_orders
    union
    select scope, cast(null as bigint) as sales_order_id, sales_date, customer_id, product_id from redescribed

)

select * from final
