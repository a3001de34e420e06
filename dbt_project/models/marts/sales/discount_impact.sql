{{ affected_by("affected_product_days", following_days=28) }}

{% set baseline_days = 28 %}

with

    affected_sales as (

        select *, order_date as sales_date, discount_amount > 0 as is_discounted
        from {{ ref("wh_fact_sales") }}
        where is_sale and {{ is_affected(["order_date"]) }}

    ),

    special_offers as (select * from {{ ref("stg_special_offers") }}),

    offers as (select * from {{ ref("stg_offers") }}),

    daily as (

        select
            sales_date,
            product_key,
            sales_channel,
            special_offer_id,
            offer_id,
            is_discounted,
            count(distinct source_system || ':' || order_id) as orders,
            count(*) as order_lines,
            cast(sum(quantity) as decimal(38, 4)) as quantity,
            cast(sum(gross_amount) as decimal(38, 6)) as gross_sales,
            cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
            cast(sum(net_amount) as decimal(38, 6)) as net_sales,
            cast(sum(line_cost) as decimal(38, 6)) as cost,
            cast(sum(margin) as decimal(38, 6)) as margin
        from affected_sales
        group by sales_date, product_key, sales_channel, special_offer_id, offer_id, is_discounted

    ),

    product_days as (select distinct sales_date, product_key, sales_channel from daily),

    -- Sales are read again, with a filter of their own: DuckDB would keep all rows of a query that is used
    -- twice.
    sold_by_day as (

        select
            order_date as sales_date,
            product_key,
            sales_channel,
            sum(quantity) as quantity,
            max(case when discount_amount > 0 then 1 else 0 end) as is_discount_day
        from {{ ref("wh_fact_sales") }}
        where is_sale and order_date in ({{ shifted_days("product_days", "sales_date", -baseline_days, -1) }})
        group by order_date, product_key, sales_channel

    ),

    -- The baseline: pieces of the product per day through the channel, over the days before this one on
    -- which it sold there and nobody had a discount on it. Days without a sale do not count, so a channel
    -- whose customers order once a month is compared with its own ordering days. Null without such a day.
    baselines as (

        select
            product_days.sales_date,
            product_days.product_key,
            product_days.sales_channel,
            count(sold_by_day.sales_date) as days,
            sum(sold_by_day.quantity) as quantity
        from product_days
        inner join
            sold_by_day
            on product_days.product_key = sold_by_day.product_key
            and product_days.sales_channel = sold_by_day.sales_channel
            and sold_by_day.is_discount_day = 0
            and sold_by_day.sales_date < product_days.sales_date
            and sold_by_day.sales_date
            >= cast({{ dbt.dateadd("day", -baseline_days, "product_days.sales_date") }} as date)
        group by product_days.sales_date, product_days.product_key, product_days.sales_channel

    ),

    final as (

        select
            daily.*,
            baselines.days as baseline_days,
            {{ ratio("baselines.quantity", "baselines.days", 4, 19) }} as baseline_quantity,
            coalesce(special_offers.special_offer, offers.offer_name) as special_offer,
            special_offers.offer_type,
            coalesce(special_offers.discount_pct, offers.discount_pct) as offer_discount_pct
        from daily
        left join
            baselines
            on daily.sales_date = baselines.sales_date
            and daily.product_key = baselines.product_key
            and daily.sales_channel = baselines.sales_channel
        left join special_offers on daily.special_offer_id = special_offers.special_offer_id
        left join offers on daily.offer_id = offers.offer_id

    )

select *
from final
