{# Law 3: on each affected day, the revenue of all channels in the mart is what was attributed, by each rule. #}
{% test sums_to_attribution(model) %}

    with

        days as (select activity_date from {{ affected_relation() }}),

        figures as (

            {% for rule in ["last_touch", "linear"] -%}
                select
                    '{{ rule }}' as rule,
                    activity_date,
                    {{ rule }}_revenue as revenue,
                    {{ rule }}_margin as margin
                from {{ model }}
                where activity_date in (select activity_date from days)

                union all

            {% endfor -%}
            select
                rule,
                order_date as activity_date,
                - attributed_revenue as revenue,
                - attributed_margin as margin
            from {{ ref("wh_fact_attribution") }}
            where order_date in (select activity_date from days)

        )

    select rule, activity_date, sum(revenue) as revenue_difference, sum(margin) as margin_difference
    from figures
    group by rule, activity_date
    having sum(revenue) <> 0 or sum(margin) <> 0

{% endtest %}
