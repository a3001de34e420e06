{# The measures of the sales marts, described once in models/marts/sales/_measures.md: with tax, freight and totals. #}
{% macro sales_measures() -%}
    {{ channel_measures({"tax": "tax", "freight": "freight", "total_due": "total_due"}) }}
{%- endmacro %}

{#
    The measures of the analyst marts, described once in models/marts/analyst/_measures.md, of `channel_movements`.
    What is not known is not 0: cost and margin are null where no line's cost is known, and where none was sold, so that
    they stay null in sums. `more` are further sums.
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

{# Consumers who ordered, of `channel_movements`. Who is not known is no consumer to be counted. #}
{% macro distinct_consumers() -%}
    count(distinct case when order_key is not null then nullif(consumer_key, {{ unknown_key() }}) end)
{%- endmacro %}
