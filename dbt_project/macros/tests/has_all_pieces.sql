{# On each affected day, the pieces here are those that were sold. #}
{% test has_all_pieces(model) %}

    with

        days as (select distinct sales_date from {{ affected_relation() }} where sales_date is not null),

        figures as (

            select sales_date, sales_channel, quantity
            from {{ model }}
            where sales_date in (select sales_date from days)

            union all

            select order_date as sales_date, sales_channel, - quantity as quantity
            from {{ ref("wh_fact_sales") }}
            where is_sale and order_date in (select sales_date from days)

        )

    select sales_date, sales_channel, sum(quantity) as difference
    from figures
    group by sales_date, sales_channel
    having sum(quantity) <> 0

{% endtest %}
