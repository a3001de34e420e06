{#
    What was bought together: all orders of a consumer on a day are one basket, as one purchase is in lifetime value. Who
    is not known has a basket for each order. Of a basket at most `basket_products` products count, those with the most
    pieces: a reseller's order of a thousand would have a million pairs, and tell little by each. What was only taken
    back is none.

    One row per week of the window, basket and product, as of the week's end: `buyer` and `product` are numbers, the
    latter in the order of keys, because baskets are joined with each other and numbers are joined faster.
#}
{% macro weekly_baskets() -%}
    select weeks.week_start, weeks.week_end, baskets.*
    from ({{ weeks_of_window() }}) as weeks
    inner join
        ({{ product_baskets() }}) as baskets
        on baskets.order_date < weeks.week_end
        and baskets.order_date >= {{ basket_days_before("weeks.week_end") }}
{%- endmacro %}

{# The same, of all days that count in any of the window's weeks. #}
{% macro product_baskets() -%}
    with
        lines as (
            select
                case
                    when consumer_key = {{ unknown_key() }}
                    then source_system || ':' || cast(order_id as varchar)
                    else consumer_key
                end as buyer_key,
                consumer_key <> {{ unknown_key() }} as is_known,
                order_date,
                product_key,
                quantity
            from {{ ref("wh_fact_sales") }}
            where is_sale and product_key <> {{ unknown_key() }} and {{ within_basket_days("order_date") }}
        ),
        buyers as (
            select buyer_key, is_known, row_number() over (order by buyer_key) as buyer
            from (select distinct buyer_key, is_known from lines) as distinct_buyers
        ),
        products as (
            select product_key, row_number() over (order by product_key) as product
            from (select distinct product_key from lines) as distinct_products
        ),
        bought as (
            select
                buyers.buyer,
                buyers.is_known,
                products.product,
                lines.order_date,
                sum(lines.quantity) as quantity
            from lines
            inner join buyers on lines.buyer_key = buyers.buyer_key
            inner join products on lines.product_key = products.product_key
            group by buyers.buyer, buyers.is_known, products.product, lines.order_date
            having sum(lines.quantity) > 0
        ),
        -- Few are so large: only they are sorted.
        large as (
            select buyer, order_date
            from bought
            group by buyer, order_date
            having count(*) > {{ var("basket_products") }}
        ),
        counted as (
            select bought.buyer, bought.is_known, bought.product, bought.order_date
            from bought
            left join large on bought.buyer = large.buyer and bought.order_date = large.order_date
            where large.buyer is null
            union all
            select bought.buyer, bought.is_known, bought.product, bought.order_date
            from bought
            inner join large on bought.buyer = large.buyer and bought.order_date = large.order_date
            qualify
                row_number() over (
                    partition by bought.buyer, bought.order_date
                    order by bought.quantity desc nulls last, bought.product
                )
                <= {{ var("basket_products") }}
        )
    select counted.buyer, counted.is_known, counted.order_date, counted.product, products.product_key
    from counted
    inner join products on counted.product = products.product
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
