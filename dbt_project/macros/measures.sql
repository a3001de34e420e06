{#
    The measures that the sales marts share: what they are is described once, in models/marts/sales/_measures.md.
    The taxes, freight and totals are the ERP's.
#}
{% macro sales_measures() -%}
    {{ measures('line_total', 'line_total - line_cost', {
        'tax': 'allocated_tax', 'freight': 'allocated_freight', 'total_due': 'allocated_total_due'
    }) }}
{%- endmacro %}

{# The measures that the analyst marts share: what they are is described once, in models/marts/analyst/_measures.md. #}
{% macro channel_measures() -%}
    {{ measures('net_amount', 'margin') }}
{%- endmacro %}

{# Both, of movements whose rows carry `net_sales` and `margin` so; `more` are further sums, by their names. #}
{% macro measures(net_sales, margin, more={}) -%}
    count(distinct order_key) as orders,
    count(order_key) as order_lines,
    cast(sum(quantity) as bigint) as quantity,
    cast(sum(gross_amount) as decimal(38, 6)) as gross_sales,
    cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
    cast(sum({{ net_sales }}) as decimal(38, 6)) as net_sales,
    cast(coalesce(sum(line_cost), 0) as decimal(38, 6)) as cost,
    cast(coalesce(sum({{ margin }}), 0) as decimal(38, 6)) as margin,
    {% for name, column in more.items() -%}
    cast(sum({{ column }}) as decimal(38, 4)) as {{ name }},
    {% endfor -%}
    cast(sum(returned_quantity) as bigint) as returned_quantity,
    cast(sum(refund_amount) as decimal(38, 4)) as refund_amount
{%- endmacro %}
