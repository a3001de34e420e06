{#
    What was bought together: all orders of a consumer on a day are one basket, as one purchase is in lifetime value. Who
    is not known has a basket for each order. Of a basket at most `basket_products` products count, those with the most
    pieces: a reseller's order of a thousand would have a million pairs, and tell little by each. One row per product in
    a basket; what was only taken back is none.
#}
{% macro product_baskets() -%}
    select buyer, consumer_key, order_date, product_key
    from
        (
            select
                case
                    when consumer_key = {{ unknown_key() }}
                    then source_system || ':' || cast(order_id as varchar)
                    else consumer_key
                end as buyer,
                consumer_key,
                order_date,
                product_key,
                sum(quantity) as quantity
            from {{ ref("wh_fact_sales") }}
            where is_sale and product_key <> {{ unknown_key() }} and {{ within_basket_days("order_date") }}
            group by 1, consumer_key, order_date, product_key
            having sum(quantity) > 0
        ) as products_in_baskets
    qualify
        row_number() over (partition by buyer, order_date order by quantity desc, product_key)
        <= {{ var("basket_products") }}
{%- endmacro %}

{# `where`-clause part: a day of which the baskets count in any of the window's weeks. #}
{% macro within_basket_days(day) -%}
    {{ day }} < (select max(week_end) from ({{ weeks_of_window() }}) as weeks_of_window)
    and {{ day }}
    >= (select min({{ basket_days_before("week_end") }}) from ({{ weeks_of_window() }}) as weeks_of_window)
{%- endmacro %}

{# The first day of which the baskets count in the week that ends before this day. #}
{% macro basket_days_before(week_end) -%}
    cast({{ dbt.dateadd("day", -1 * (var("basket_days") | int), week_end) }} as date)
{%- endmacro %}

{# The baskets of each of the window's weeks, as of its end. #}
{% macro weekly_baskets() -%}
    select weeks.week_start, weeks.week_end, baskets.*
    from ({{ weeks_of_window() }}) as weeks
    inner join
        ({{ product_baskets() }}) as baskets
        on baskets.order_date < weeks.week_end
        and baskets.order_date >= {{ basket_days_before("weeks.week_end") }}
{%- endmacro %}
