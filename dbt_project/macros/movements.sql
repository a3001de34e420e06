{#
    What happened on each day, one row per order line sold and per return: a sale on its order's day, a
    return on the day that the pieces came back. So a day's figures do not change because of what happened
    after it. Cancelled and rejected orders are no sales.

    key    columns of both facts that the mart groups by, beside sales_date
#}
{% macro sales_movements(key) -%}
    select
        sales_order_id,
        order_date as sales_date,
        {{ key | join(', ') }},
        quantity,
        gross_amount,
        discount_amount,
        line_total,
        line_cost,
        allocated_tax,
        allocated_freight,
        allocated_total_due,
        0 as returned_quantity,
        0 as refund_amount
    from {{ ref('fact_sales') }}
    where is_sale

    union all

    select
        null as sales_order_id,
        return_date as sales_date,
        {{ key | join(', ') }},
        0 as quantity,
        0 as gross_amount,
        0 as discount_amount,
        0 as line_total,
        0 as line_cost,
        0 as allocated_tax,
        0 as allocated_freight,
        0 as allocated_total_due,
        return_quantity as returned_quantity,
        refund_amount
    from {{ ref('fact_sales_returns') }}
{%- endmacro %}

{# The measures that the sales marts share: what they are is described once, in models/marts/sales/_measures.md. #}
{% macro sales_measures() -%}
    count(distinct sales_order_id) as orders,
    count(sales_order_id) as order_lines,
    cast(sum(quantity) as bigint) as quantity,
    cast(sum(gross_amount) as decimal(38, 6)) as gross_sales,
    cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
    cast(sum(line_total) as decimal(38, 6)) as net_sales,
    cast(sum(line_cost) as decimal(38, 6)) as cost,
    cast(sum(line_total - line_cost) as decimal(38, 6)) as margin,
    cast(sum(allocated_tax) as decimal(38, 4)) as tax,
    cast(sum(allocated_freight) as decimal(38, 4)) as freight,
    cast(sum(allocated_total_due) as decimal(38, 4)) as total_due,
    cast(sum(returned_quantity) as bigint) as returned_quantity,
    cast(sum(refund_amount) as decimal(38, 4)) as refund_amount
{%- endmacro %}
