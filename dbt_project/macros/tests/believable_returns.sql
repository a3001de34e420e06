{#
    Returns that cannot be as they are written: of more pieces than their line sold, recorded twice, dated before their
    order, or without a refund. A failing row is a return, with the first of these that holds.

    Two returns are one recorded twice if line, day, pieces and refund are the same. A return without a refund is none
    where its order was refunded as a whole, or its line cost nothing.
#}
{% test believable_returns(model) %}

    {% set line = ["source_system", "order_id", "order_line_id"] -%}
    with

        returned as (

            select
                *,
                sum(return_quantity) over (partition by {{ line | join(", ") }}) as line_quantity,
                sum(refund_amount) over (partition by source_system, order_id) as order_refund,
                count(*) over (
                    partition by {{ line | join(", ") }}, return_date, return_quantity, refund_amount
                ) as times
            from {{ model }}

        ),

        sold as (

            select {{ line | join(", ") }}, quantity, net_amount
            from {{ ref("wh_fact_sales") }}
            where {{ of_affected() }}

        ),

        judged as (

            select
                returned.source_system,
                returned.order_id,
                returned.order_line_id,
                returned.return_id,
                case
                    when
                        returned.order_line_id is not null
                        and sold.quantity >= 0
                        and returned.line_quantity > sold.quantity
                    then 'more pieces than were sold'
                    when returned.times > 1 and returned.order_date is not null
                    then 'recorded twice'
                    when returned.return_date < returned.order_date
                    then 'dated before its order'
                    when
                        coalesce(returned.refund_amount, 0) = 0
                        and coalesce(returned.order_refund, 0) = 0
                        and coalesce(sold.net_amount, 1) <> 0
                    then 'without a refund'
                end as problem,
                returned.return_quantity,
                sold.quantity as quantity_sold,
                returned.return_date,
                returned.order_date,
                returned.refund_amount
            from returned
            left join
                sold
                on returned.source_system = sold.source_system
                and returned.order_id = sold.order_id
                and returned.order_line_id = sold.order_line_id

        )

    select *
    from judged
    where problem is not null

{% endtest %}
