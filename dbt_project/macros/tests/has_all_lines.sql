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

        lines as (

            select source_system, order_id, order_date, 1 as expected, 0 as found, amount
            from expected

            union all

            select source_system, order_id, order_date, 0 as expected, 1 as found, - net_amount as amount
            from {{ model }}

        )

    -- One aggregate of both sides: a join of two would need the memory of both at once.
    select order_id, sum(expected) as expected_lines, sum(found) as lines
    from lines
    where {{ of_affected() }}
    group by source_system, order_id
    having sum(expected) <> sum(found) or coalesce(sum(amount), 0) <> 0

{% endtest %}
