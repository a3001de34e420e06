{#
    Purchases by consumer and day: all orders of a day are one purchase, as models of purchase frequency assume. An
    order without a positive quantity, such as a credit note, is none. Margin leaves out lines of unknown cost, and
    is null where no cost is known.
#}
{% macro purchase_days() -%}
    select
        consumer_key,
        order_date,
        min(sales_channel) as sales_channel,
        sum(net_amount) as net_amount,
        sum(margin) as margin
    from ({{ consumer_orders() }}) as orders
    where quantity > 0
    group by consumer_key, order_date
{%- endmacro %}

{#
    Returns by consumer, with the day of the return and that of the purchase. A credit note names no purchase: it
    has its own day for both. The lost margin is the refund less the cost of the pieces, which go back to the shelf.
    It is null where the cost is not known, like the line's margin.
#}
{% macro refunds() -%}
    select
        returns.consumer_key,
        returns.return_date,
        returns.order_date,
        returns.refund_amount,
        case
            when lines.order_line_id is null or lines.unit_cost is not null
            then returns.refund_amount - coalesce(returns.return_quantity * lines.unit_cost, 0)
        end as lost_margin
    from {{ ref("wh_fact_sales_returns") }} as returns
    left join
        {{ ref("wh_fact_sales") }} as lines
        on returns.source_system = lines.source_system
        and returns.order_id = lines.order_id
        and returns.order_line_id = lines.order_line_id
    where returns.consumer_key <> {{ unknown_key() }} and coalesce(lines.is_sale, true)

    union all

    select
        consumer_key,
        order_date as return_date,
        order_date,
        - net_amount as refund_amount,
        - margin as lost_margin
    from ({{ consumer_orders() }}) as orders
    where quantity <= 0
{%- endmacro %}

{#
    Orders of known consumers, one row each. A credit line within an order reduces neither the amount sold nor the
    amount sold at a discount.
#}
{% macro consumer_orders() -%}
    select
        consumer_key,
        order_date,
        sales_channel,
        count(distinct coalesce(product_key, order_line_id)) as products,
        sum(quantity) as quantity,
        sum(net_amount) as net_amount,
        sum(case when net_amount > 0 then net_amount else 0 end) as sold_amount,
        sum(case when net_amount > 0 and discount_amount > 0 then net_amount else 0 end) as discounted_amount,
        sum(margin) as margin,
        sum(case when margin is not null then net_amount end) as amount_of_known_cost
    from {{ ref("wh_fact_sales") }}
    where is_sale and consumer_key <> {{ unknown_key() }}
    group by source_system, order_id, consumer_key, order_date, sales_channel
{%- endmacro %}
