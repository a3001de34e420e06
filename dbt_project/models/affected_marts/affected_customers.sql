{#
    The affected consumers of mrt_customer_analysis: those of whom anything changed, and those whose life-cycle stage
    ends on a day of the window, because their purchase was `at_risk_days` or `lapsed_days` before.
#}
with

    affected as (

        select consumer_key, affected_from
        from {{ ref("affected_consumers") }}

        {% for days in [var("at_risk_days"), var("lapsed_days")] -%}
            union all

            select distinct consumer_key, {{ local_date(window_start()) }} as affected_from
            from {{ ref("wh_fact_sales") }}
            where
                consumer_key <> {{ unknown_key() }}
                and order_date >= cast({{ dbt.dateadd("day", -days, local_date(window_start())) }} as date)
                and order_date < cast({{ dbt.dateadd("day", -days, local_date(window_end())) }} as date)
        {% endfor %}

    ),

    final as (select consumer_key, min(affected_from) as affected_from from affected group by consumer_key)

select *
from final
