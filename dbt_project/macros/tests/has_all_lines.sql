{#
    Law 3 over all channels: the affected orders have as many lines here as in fact_sales and fact_webshop_sales, and
    the same net amount to the last digit.
#}
{% test has_all_lines(model) %}

    with

        expected as (

            select
                'erp' as source_system,
                cast(sales_order_id as varchar) as order_id,
                order_date,
                line_total as amount
            from {{ ref("fact_sales") }}

            union all

            select source_system, order_id, order_date, net_amount as amount
            from {{ ref("fact_webshop_sales") }}

        ),

        counted as (

            select source_system, order_id, count(*) as lines, sum(amount) as amount
            from expected
            where {{ of_affected() }}
            group by source_system, order_id

        ),

        found as (

            select source_system, order_id, count(*) as lines, sum(net_amount) as amount
            from {{ model }}
            where {{ of_affected() }}
            group by source_system, order_id

        )

    select
        coalesce(counted.order_id, found.order_id) as order_id, counted.lines as expected_lines, found.lines
    from counted
    full outer join found on counted.source_system = found.source_system and counted.order_id = found.order_id
    where
        coalesce(counted.lines, 0) <> coalesce(found.lines, 0)
        or coalesce(counted.amount, 0) <> coalesce(found.amount, 0)

{% endtest %}
