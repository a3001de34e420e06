-- What is not on record for so many weeks is not kept any more; what is only sold may be sold seldom.
{% set weeks_on_record = 13 %}
{% set weeks_of_sales = 26 %}

with

    weeks as ({{ weeks_of_window() }}),

    in_centers as (

        select
            weeks.week_start,
            weeks.week_end,
            demand.product_key,
            demand.location_key,
            'inventory' as source,
            min(demand.first_date) as first_date,
            max(demand.week_start) as last_week

        from weeks
        inner join {{ ref("wh_fact_demand_weeks") }} as demand on demand.week_start <= weeks.week_start
        where demand.product_key <> {{ unknown_key() }}
        group by weeks.week_start, weeks.week_end, demand.product_key, demand.location_key

    ),

    -- What no inventory knows is forecast by what is sold, for all places together.
    only_sold as (

        select
            weeks.week_start,
            weeks.week_end,
            sales.product_key,
            {{ unknown_key() }} as location_key,
            'sales' as source,
            min(sales.sales_date) as first_date,
            cast({{ dbt.date_trunc("week", "max(sales.sales_date)") }} as date) as last_week

        from weeks
        inner join {{ ref("wh_fact_product_days") }} as sales on sales.sales_date < weeks.week_end
        left join
            (select distinct week_start, product_key from in_centers) as stocked
            on weeks.week_start = stocked.week_start
            and sales.product_key = stocked.product_key
        where stocked.product_key is null and sales.product_key <> {{ unknown_key() }} and sales.quantity > 0
        group by weeks.week_start, weeks.week_end, sales.product_key

    ),

    series as (

        select *
        from in_centers
        where last_week > {{ dbt.dateadd("day", -7 * weeks_on_record, "week_start") }}

        union all

        select *
        from only_sold
        where last_week > {{ dbt.dateadd("day", -7 * weeks_of_sales, "week_start") }}

    ),

    ended as ({{ ended_products() }}),

    final as (

        select
            series.week_start,
            series.product_key,
            series.location_key,
            series.source,
            coalesce(products.category, 'unknown') as category,
            series.first_date,
            series.last_week,
            coalesce(ended.last_date < series.week_end, false) as is_discontinued

        from series
        left join {{ ref("wh_dim_product") }} as products on series.product_key = products.product_key
        left join ended on series.product_key = ended.product_key

    )

select *
from final
