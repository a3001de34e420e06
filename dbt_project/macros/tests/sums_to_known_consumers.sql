{# Law 3: the rows of each affected consumer sum to the consumer's sales and returns in the facts. #}
{% test sums_to_known_consumers(model) %}

    with

        figures as (

            select consumer_key, sum(net_sales) as net_sales, sum(refund_amount) as refund_amount
            from {{ model }}
            where consumer_key in (select consumer_key from {{ affected_relation() }})
            group by consumer_key

            union all

            select consumer_key, - sum(net_amount) as net_sales, 0 as refund_amount
            from {{ ref("wh_fact_sales") }}
            where is_sale and consumer_key in (select consumer_key from {{ affected_relation() }})
            group by consumer_key

            union all

            select consumer_key, 0 as net_sales, - sum(refund_amount) as refund_amount
            from {{ ref("wh_fact_sales_returns") }}
            where consumer_key in (select consumer_key from {{ affected_relation() }})
            group by consumer_key

        )

    select consumer_key, sum(net_sales) as net_sales_difference, sum(refund_amount) as refund_difference
    from figures
    group by consumer_key
    having sum(net_sales) <> 0 or sum(refund_amount) <> 0

{% endtest %}
