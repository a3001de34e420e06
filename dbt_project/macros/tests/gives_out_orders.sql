{# Law 3: if a rule attributes an affected order, it attributes all of its net amount and margin. #}
{% test gives_out_orders(model) %}

    with

        given as (

            select
                source_system,
                order_id,
                rule,
                sum(attributed_revenue) as revenue,
                sum(attributed_margin) as margin
            from {{ model }}
            where {{ of_affected() }}
            group by source_system, order_id, rule

        ),

        sales as (

            select source_system, order_id, sum(net_amount) as revenue, coalesce(sum(margin), 0) as margin
            from {{ ref("wh_fact_sales") }}
            where is_sale and {{ of_affected() }}
            group by source_system, order_id

        )

    select given.source_system, given.order_id, given.rule, given.revenue, sales.revenue as order_revenue
    from given
    left join sales on given.source_system = sales.source_system and given.order_id = sales.order_id
    where sales.order_id is null or given.revenue <> sales.revenue or given.margin <> sales.margin

{% endtest %}
