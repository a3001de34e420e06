{#
    What happened on each day over all channels, one row per order line sold and per return: a sale on its
    order's day, a return on the day that the pieces came back, so that a day's figures do not change because
    of what happened after it. Cancelled and rejected orders are no sales.

    key    columns of both facts that the mart groups by, beside sales_date
#}
{% macro channel_movements(key) -%}
    select
        order_date as sales_date,
        {{ key | join(', ') }},
        source_system || ':' || order_id as order_key,
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        line_cost,
        margin,
        0 as returned_quantity,
        0 as refund_amount
    from {{ ref('wh_fact_sales') }}
    where is_sale

    union all

    select
        return_date as sales_date,
        {{ key | join(', ') }},
        cast(null as varchar) as order_key,
        0 as quantity,
        0 as gross_amount,
        0 as discount_amount,
        0 as net_amount,
        0 as line_cost,
        0 as margin,
        return_quantity as returned_quantity,
        refund_amount
    from {{ ref('wh_fact_sales_returns') }}
{%- endmacro %}

{# The measures that the analyst marts share: what they are is described once, in models/marts/analyst/_measures.md. #}
{% macro channel_measures() -%}
    count(distinct order_key) as orders,
    count(order_key) as order_lines,
    cast(sum(quantity) as bigint) as quantity,
    cast(sum(gross_amount) as decimal(38, 6)) as gross_sales,
    cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
    cast(sum(net_amount) as decimal(38, 6)) as net_sales,
    cast(coalesce(sum(line_cost), 0) as decimal(38, 6)) as cost,
    cast(coalesce(sum(margin), 0) as decimal(38, 6)) as margin,
    cast(sum(returned_quantity) as bigint) as returned_quantity,
    cast(sum(refund_amount) as decimal(38, 4)) as refund_amount
{%- endmacro %}

{# A quotient of decimals: null where the divisor is 0 or null, 6 digits. #}
{% macro ratio(dividend, divisor) -%}
    cast(round(cast({{ dividend }} as decimal(38, 6)) / nullif({{ divisor }}, 0), 6) as decimal(18, 6))
{%- endmacro %}
