{#
    What happened on each day, one row per order line sold and per return: a sale on its order's day, a return on
    the day that the pieces came back. So a day's figures do not change because of what happened after it.
    Cancelled and rejected orders are no sales.

    sales, returns    the facts
    order_key         what tells one order from another; null for returns
    amounts           columns of the sales that are summed; 0 for returns
    key               columns of both facts that the mart groups by, beside sales_date
#}
{% macro movements(sales, returns, order_key, amounts, key) -%}
    select
        order_date as sales_date,
        {{ key | join(', ') }},
        {{ order_key }} as order_key,
        {{ amounts | join(', ') }},
        0 as returned_quantity,
        0 as refund_amount
    from {{ sales }}
    where is_sale

    union all

    select
        return_date as sales_date,
        {{ key | join(', ') }},
        null as order_key,
        {% for amount in amounts %}0 as {{ amount }}, {% endfor %}
        return_quantity as returned_quantity,
        refund_amount
    from {{ returns }}
{%- endmacro %}

{# Movements of the ERP, with its financial view of them. #}
{% macro sales_movements(key) -%}
    {{ movements(
        ref('fact_sales'),
        ref('fact_sales_returns'),
        'sales_order_id',
        [
            'quantity', 'gross_amount', 'discount_amount', 'line_total', 'line_cost',
            'allocated_tax', 'allocated_freight', 'allocated_total_due',
        ],
        key,
    ) }}
{%- endmacro %}

{# Movements of all channels. #}
{% macro channel_movements(key) -%}
    {{ movements(
        ref('wh_fact_sales'),
        ref('wh_fact_sales_returns'),
        "source_system || ':' || order_id",
        ['quantity', 'gross_amount', 'discount_amount', 'net_amount', 'line_cost', 'margin'],
        key,
    ) }}
{%- endmacro %}
