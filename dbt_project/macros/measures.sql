{# The measures that the sales marts share: what they are is described once, in models/marts/sales/_measures.md. #}
{% macro sales_measures() -%}
    count(distinct order_key) as orders,
    count(order_key) as order_lines,
    cast(sum(quantity) as bigint) as quantity,
    cast(sum(gross_amount) as decimal(38, 6)) as gross_sales,
    cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
    cast(sum(line_total) as decimal(38, 6)) as net_sales,
    cast(coalesce(sum(line_cost), 0) as decimal(38, 6)) as cost,
    cast(coalesce(sum(line_total - line_cost), 0) as decimal(38, 6)) as margin,
    cast(sum(allocated_tax) as decimal(38, 4)) as tax,
    cast(sum(allocated_freight) as decimal(38, 4)) as freight,
    cast(sum(allocated_total_due) as decimal(38, 4)) as total_due,
    cast(sum(returned_quantity) as bigint) as returned_quantity,
    cast(sum(refund_amount) as decimal(38, 4)) as refund_amount
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
