{#
    Law 3 over all channels: the affected orders of fact_sales and of the web shop's items are here, in
    number of lines and to the last digit of its net amount.
#}
{% test has_all_lines(model) %}

with

expected as (

    select 'erp' as source_system, cast(sales_order_id as varchar) as order_id, order_date, line_total as amount
    from {{ ref('fact_sales') }}

    union all

    select
        'webshop' as source_system,
        cast(items.order_id as varchar) as order_id,
        orders.created_date as order_date,
        items.sale_price as amount
    from {{ ref('stg_webshop_order_items') }} as items
    inner join {{ ref('stg_webshop_orders') }} as orders on items.order_id = orders.order_id

),

counted as (

    select source_system, order_id, count(*) as lines, sum(amount) as amount
    from expected
    where {{ of_affected() }}
    group by source_system, order_id

),

found as (

    select source_system, order_id, count(*) as lines, sum(net_amount) as amount
    from {{ model }}
    where {{ of_affected() }}
    group by source_system, order_id

)

select
    coalesce(counted.order_id, found.order_id) as order_id,
    counted.lines as expected_lines,
    found.lines
from counted
full outer join found
    on counted.source_system = found.source_system
    and counted.order_id = found.order_id
where coalesce(counted.lines, 0) <> coalesce(found.lines, 0)
    or coalesce(counted.amount, 0) <> coalesce(found.amount, 0)

{% endtest %}
