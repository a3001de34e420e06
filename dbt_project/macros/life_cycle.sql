{#
    The last day of which anything has been applied: the window's, or a later one that staging or the table itself
    has seen, so that a run of an old day takes nothing away.
#}
{% macro last_day_applied(column) -%}
    (
        select max(day)
        from (
            select cast({{ dbt.dateadd('day', -1, local_date(window_end())) }} as date) as day
            {% for model_name in ['stg_sales_orders', 'stg_webshop_orders', 'stg_consumers'] -%}
            union all
            select {{ local_date('max(_changed_at)') }} as day from {{ ref(model_name) }}
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
    they bought so many days before; each with the first day that may show it.
#}
{% macro touched_customers() -%}
    select consumer_key, min(touched_from) as touched_from
    from (
        select consumer_key, touched_from from {{ ref('touched_consumers') }}

        {% for days in [var('at_risk_days'), var('lapsed_days')] -%}
        union all

        select distinct consumer_key, {{ local_date(window_start()) }} as touched_from
        from {{ ref('wh_fact_sales') }}
        where consumer_key is not null
            and order_date >= cast({{ dbt.dateadd('day', -days, local_date(window_start())) }} as date)
            and order_date < cast({{ dbt.dateadd('day', -days, local_date(window_end())) }} as date)
        {% endfor %}
    ) as touched
    group by consumer_key
{%- endmacro %}

{# Rows from those days on go; what is there now comes. #}
{% macro touched_keys_of_mrt_customer_analysis() -%}
    select customers.consumer_key, customers.activity_date
    from {{ this }} as customers
    inner join (
        {{ touched_customers() }}
    ) as touched
        on customers.consumer_key = touched.consumer_key
        and customers.activity_date >= touched.touched_from
{%- endmacro %}
