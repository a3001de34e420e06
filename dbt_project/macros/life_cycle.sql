{#
    The last day that has been applied: the window's last, or a later one that staging or the table itself has. So a run
    of an old day removes nothing.
#}
{% macro last_day_applied(column) -%}
    (
        select max(day)
        from
            (
                select cast({{ dbt.dateadd("day", -1, local_date(window_end())) }} as date) as day
                {% for model_name in ["stg_sales_orders", "stg_webshop_orders", "stg_consumers"] -%}
                    union all
                    select {{ local_date("max(_changed_at)") }} as day
                    from {{ ref(model_name) }}
                {% endfor -%}
                {% if is_incremental() -%}
                    union all
                    select max({{ column }}) as day
                    from {{ this }}
                {%- endif %}
            ) as days
    )
{%- endmacro %}
