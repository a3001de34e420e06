{#
    The parts of `customer_segmentation_features`, by subject. Each reads the model's `weeks` and `orders`, and
    is a query with a row per week and consumer, as of the week's end.
#}
{#
    Purchases: when, how often, on which channels, how much, and at what margin. Amounts of the last year apart.
#}
{% macro purchase_features() -%}
    with

        orders_until as (

            select
                weeks.week_start,
                orders.*,
                orders.order_date >= weeks.year_start as is_last_year,
                {{ decayed("orders.net_amount", "orders.order_date", "weeks.week_end") }} as decayed_amount

            from weeks
            inner join orders on orders.order_date < weeks.week_end and orders.quantity > 0

        )

    select
        week_start,
        consumer_key,
        max(order_date) as last_purchase_date,
        count(*) as orders,
        count(case when is_last_year then 1 end) as orders_last_year,
        {% for channel in ["online", "webshop", "reseller"] -%}
            count(case when sales_channel = '{{ channel }}' then 1 end) as {{ channel }}_orders,
        {% endfor -%}
        sum(products) as products_in_orders,
        sum(quantity) as quantity,
        sum(net_amount) as revenue,
        sum(decayed_amount) as decayed_revenue,
        sum(sold_amount) as sold_revenue,
        sum(discounted_amount) as discounted_revenue,
        sum(margin) as margin,
        sum(amount_of_known_cost) as revenue_of_known_cost,
        sum(case when is_last_year then net_amount end) as revenue_last_year,
        sum(case when is_last_year then margin end) as margin_last_year,
        sum(case when is_last_year then quantity end) as quantity_last_year

    from orders_until
    group by week_start, consumer_key
{%- endmacro %}

{# Returns up to the week's end. #}
{% macro return_features() -%}
    with

        -- A credit note is no purchase but a return; so is an order that takes back at least as many
        -- pieces as it sells.
        returns as (

            select consumer_key, return_date, order_date, return_quantity, refund_amount
            from {{ ref("wh_fact_sales_returns") }}
            where consumer_key <> {{ unknown_key() }}

            union all

            select
                consumer_key,
                order_date as return_date,
                order_date,
                - quantity as return_quantity,
                - net_amount as refund_amount
            from orders
            where quantity <= 0

        )

    select
        weeks.week_start,
        returns.consumer_key,
        sum(returns.refund_amount) as refund_amount,
        sum(
            {{ decayed("returns.refund_amount", "returns.return_date", "weeks.week_end") }}
        ) as decayed_refund,
        sum(
            case when returns.order_date >= weeks.year_start then returns.return_quantity else 0 end
        ) as quantity_last_year

    from weeks
    inner join returns on returns.return_date < weeks.week_end and returns.order_date < weeks.week_end
    group by weeks.week_start, returns.consumer_key
{%- endmacro %}

{#
    The category with the most pieces bought, and how much purchases concentrate on few categories (Herfindahl index).
#}
{% macro taste_features() -%}
    with

        bought_by_category as (

            select sales.consumer_key, sales.order_date, products.category, sum(sales.quantity) as quantity

            from {{ ref("wh_fact_sales") }} as sales
            inner join {{ ref("wh_dim_product") }} as products on sales.product_key = products.product_key
            where
                sales.is_sale
                and sales.quantity > 0
                and sales.consumer_key <> {{ unknown_key() }}
                and products.category is not null
            group by sales.consumer_key, sales.order_date, products.category

        ),

        categories as (

            select weeks.week_start, bought.consumer_key, bought.category, sum(bought.quantity) as quantity

            from weeks
            inner join bought_by_category as bought on bought.order_date < weeks.week_end
            group by weeks.week_start, bought.consumer_key, bought.category

        ),

        category_shares as (

            select
                *,
                {{ ratio("quantity", "sum(quantity) over (partition by week_start, consumer_key)") }}
                as share,
                row_number() over (
                    partition by week_start, consumer_key order by quantity desc nulls last, category
                ) as preference
            from categories

        )

    select
        week_start,
        consumer_key,
        max(case when preference = 1 then category end) as top_category,
        cast(sum(share * share) as decimal(18, 6)) as category_concentration
    from category_shares
    group by week_start, consumer_key
{%- endmacro %}

{# Contacts with customer service in the last year, and their most frequent channel. #}
{% macro contact_features() -%}
    with

        touchpoints as (

            select
                weeks.week_start,
                interactions.consumer_key,
                interactions.touchpoint_type,
                count(*) as interactions
            from weeks
            inner join
                {{ ref("wh_fact_interactions") }} as interactions
                on interactions.interaction_date >= weeks.year_start
                and interactions.interaction_date < weeks.week_end
            where interactions.consumer_key <> {{ unknown_key() }}
            group by weeks.week_start, interactions.consumer_key, interactions.touchpoint_type

        ),

        ranked_touchpoints as (

            select
                *,
                row_number() over (
                    partition by week_start, consumer_key
                    order by interactions desc nulls last, touchpoint_type nulls last
                ) as preference
            from touchpoints

        )

    select
        week_start,
        consumer_key,
        max(case when preference = 1 then touchpoint_type end) as top_touchpoint,
        sum(interactions) as interactions
    from ranked_touchpoints
    group by week_start, consumer_key
{%- endmacro %}

{# The distribution center that is nearest to each position of `consumers`. #}
{% macro nearest_centers(consumers) -%}
    with

        positions as (

            select distinct latitude, longitude
            from {{ consumers }}
            where latitude is not null and longitude is not null

        ),

        center_distances as (

            select
                positions.latitude,
                positions.longitude,
                centers.location_name,
                {{
                    kilometres(
                        "positions.latitude", "positions.longitude", "centers.latitude", "centers.longitude"
                    )
                }} as kilometres
            from positions
            inner join
                {{ ref("wh_dim_location") }} as centers
                on centers.location_type = 'distribution center'
                and centers.latitude is not null
                and centers.longitude is not null

        )

    select *
    from center_distances
    qualify row_number() over (partition by latitude, longitude order by kilometres, location_name) = 1
{%- endmacro %}
