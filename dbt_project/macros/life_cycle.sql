{#
    The last day of which anything has been applied: the window's, or a later one that raw or the table itself has
    seen, so that a run of an old day takes nothing away.
#}
{% macro last_day_applied(column) -%}
    (
        select max(day)
        from (
            select cast({{ dbt.dateadd('day', -1, local_date(window_end())) }} as date) as day
            {% for system, table in [('erp', 'sales_order_header'), ('webshop', 'orders'), ('crm', 'consumers')] -%}
            union all
            select {{ local_date('max(_changed_at)') }} as day from {{ source(system, table) }}
            {% endfor -%}
            {% if is_incremental() -%}
            union all
            select max({{ column }}) as day from {{ this }}
            {%- endif %}
        ) as days
    )
{%- endmacro %}

{#
    Consumers of whom anything changed, and those who reach the end of a stage on a day of the window because
    they bought so many days before.
#}
{% macro touched_keys_of_mrt_customer_analysis() -%}
    select consumer_key from {{ ref('touched_consumers') }}

    {% for days in [var('at_risk_days'), var('lapsed_days')] -%}
    union

    select consumer_key
    from {{ ref('wh_fact_sales') }}
    where consumer_key is not null
        and order_date >= cast({{ dbt.dateadd('day', -days, local_date(window_start())) }} as date)
        and order_date < cast({{ dbt.dateadd('day', -days, local_date(window_end())) }} as date)
    {% endfor %}
{%- endmacro %}
