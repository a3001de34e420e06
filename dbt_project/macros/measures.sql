{# The measures of the sales marts, described in models/marts/sales/_measures.md: `channel_measures`, tax and totals. #}
{% macro sales_measures() -%}
    {{ channel_measures({"tax": "tax", "freight": "freight", "total_due": "total_due"}) }}
{%- endmacro %}

{#
    The measures of the analyst marts over `channel_movements`, described in models/marts/analyst/_measures.md. Cost and
    margin are null, not 0, where no line's cost is known, and on days without a sale, so that they stay null in sums. `more`
    are further columns to sum.
#}
{% macro channel_measures(more={}) -%}
    count(distinct order_key) as orders,
    count(order_key) as order_lines,
    cast(sum(quantity) as decimal(38, 4)) as quantity,
    cast(sum(gross_amount) as decimal(38, 6)) as gross_sales,
    cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
    cast(sum(net_amount) as decimal(38, 6)) as net_sales,
    {% for name, column in {"cost": "line_cost", "margin": "margin"}.items() -%}
        cast(sum({{ column }}) as decimal(38, 6)) as {{ name }},
    {% endfor -%}
    cast(
        sum(case when order_key is not null and line_cost is null then net_amount else 0 end) as decimal(
            38, 6
        )
    ) as uncosted_net_sales,
    {% for name, column in more.items() -%}
        cast(sum({{ column }}) as decimal(38, 6)) as {{ name }},
    {% endfor -%}
    cast(sum(returned_quantity) as decimal(38, 4)) as returned_quantity,
    cast(sum(refund_amount) as decimal(38, 4)) as refund_amount
{%- endmacro %}

{# The number of consumers who ordered, over `channel_movements`, without the unknown one. #}
{% macro distinct_consumers() -%}
    count(distinct case when order_key is not null then nullif(consumer_key, {{ unknown_key() }}) end)
{%- endmacro %}
