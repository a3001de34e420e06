{{ affected_by('affected_erp_sales', following_days=28) }}

{% set baseline_days = 28 %}

with

offers as (

    select * from {{ ref('stg_special_offers') }}

),

daily as (

    select
        sales_date,
        product_id,
        special_offer_id,
        is_discounted,
        count(distinct sales_order_id) as orders,
        count(*) as order_lines,
        cast(sum(quantity) as bigint) as quantity,
        cast(sum(gross_amount) as decimal(38, 6)) as gross_sales,
        cast(sum(discount_amount) as decimal(38, 6)) as discount_amount,
        cast(sum(line_total) as decimal(38, 6)) as net_sales,
        cast(coalesce(sum(line_cost), 0) as decimal(38, 6)) as cost,
        cast(coalesce(sum(line_total - line_cost), 0) as decimal(38, 6)) as margin
    from (select *, order_date as sales_date from {{ ref('fact_sales') }} where is_sale) as sales
    where {{ is_affected() }}
    group by sales_date, product_id, special_offer_id, is_discounted

),

product_days as (

    select distinct sales_date, product_id from daily

),

sold_by_day as (

    select
        order_date,
        product_id,
        sum(case when is_discounted then 0 else quantity end) as undiscounted_quantity,
        max(case when is_discounted then 1 else 0 end) as discount_days
    from {{ ref('fact_sales') }}
    where is_sale
        and order_date in ({{ shifted_days('product_days', 'sales_date', -baseline_days, -1) }})
        and product_id in (select product_id from product_days)
    group by order_date, product_id

),

-- What the product sells in a day at full price: over the days before this one, from the first on which
-- it sold, on which nobody had a discount on it. Without such a day there is no baseline, and null says so.
-- Nothing older than those days counts, so that a change reaches no further than they do.
baselines as (

    select
        product_days.sales_date,
        product_days.product_id,
        sum(case when sold_by_day.discount_days = 0 then sold_by_day.undiscounted_quantity else 0 end) as quantity,
        {{ dbt.datediff('min(sold_by_day.order_date)', 'product_days.sales_date', 'day') }}
            - coalesce(sum(sold_by_day.discount_days), 0) as days
    from product_days
    left join sold_by_day
        on product_days.product_id = sold_by_day.product_id
        and sold_by_day.order_date < product_days.sales_date
        and sold_by_day.order_date >= cast({{ dbt.dateadd('day', -baseline_days, 'product_days.sales_date') }} as date)
    group by product_days.sales_date, product_days.product_id

),

final as (

    select
        daily.*,
        case when baselines.days > 0 then baselines.days end as baseline_days,
        cast(
            round(case when baselines.days > 0 then baselines.quantity * 1.0 / baselines.days end, 4) as decimal(19, 4)
        ) as baseline_quantity,
        offers.special_offer,
        offers.offer_type,
        offers.discount_pct as offer_discount_pct
    from daily
    inner join baselines on daily.sales_date = baselines.sales_date and daily.product_id = baselines.product_id
    left join offers on daily.special_offer_id = offers.special_offer_id

)

select * from final
