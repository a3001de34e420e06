{#
    Sales and returns of each day over all channels, one row per order line sold and one per return: a sale on the
    order's day, a return on the day that the pieces came back. So what happens later does not change a day's figures.
    Cancelled and rejected orders are left out.

    `key` are the columns of both facts that the mart groups by, beside sales_date. `order_key` identifies the order; it
    is null for returns. In a return's row the measures of a sale are 0, and cost and margin are null.
#}
{% macro channel_movements(key) -%}
    {%- set amounts = [
        "quantity",
        "gross_amount",
        "discount_amount",
        "net_amount",
        "tax",
        "freight",
        "total_due",
    ] -%}
    select
        order_date as sales_date,
        {{ key | join(", ") }},
        source_system || ':' || order_id as order_key,
        {{ amounts | join(", ") }},
        line_cost,
        margin,
        0 as returned_quantity,
        0 as refund_amount
    from {{ ref("wh_fact_sales") }}
    where is_sale

    union all

    select
        return_date as sales_date,
        {{ key | join(", ") }},
        null as order_key,
        {% for amount in amounts %} 0 as {{ amount }}, {% endfor %}
        null as line_cost,
        null as margin,
        coalesce(return_quantity, 0) as returned_quantity,
        refund_amount
    from {{ ref("wh_fact_sales_returns") }}
{%- endmacro %}
