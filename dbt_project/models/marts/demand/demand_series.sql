-- What is not on record for so many weeks is not kept any more; what is only sold may be sold seldom.
{% set weeks_on_record = 13 %}
{% set weeks_of_sales = 26 %}

with

    weeks as ({{ weeks_of_window() }}),

    in_centers as (

        select product_key, location_key, 'inventory' as source, week_start, min(first_date) as first_date
        from {{ ref("wh_fact_demand_weeks") }}
        where product_key <> {{ unknown_key() }}
        group by product_key, location_key, week_start

    ),

    sold as (

        select
            product_key,
            {{ unknown_key() }} as location_key,
            'sales' as source,
            cast({{ dbt.date_trunc("week", "sales_date") }} as date) as week_start,
            min(sales_date) as first_date
        from {{ ref("wh_fact_product_days") }}
        where quantity > 0 and product_key <> {{ unknown_key() }}
        group by product_key, {{ dbt.date_trunc("week", "sales_date") }}

    ),

    -- So many weeks back, so that no week is joined with all of the past.
    known as (

        select *, {{ dbt.dateadd("day", 7 * weeks_on_record, "week_start") }} as until_week
        from in_centers
        union all
        select *, {{ dbt.dateadd("day", 7 * weeks_of_sales, "week_start") }} as until_week
        from sold

    ),

    firsts as (

        select product_key, location_key, source, min(first_date) as first_date
        from known
        group by product_key, location_key, source

    ),

    stocked as (

        select product_key, min(first_date) as first_date
        from firsts
        where source = 'inventory'
        group by product_key

    ),

    recent as (

        select
            weeks.week_start,
            weeks.week_end,
            known.product_key,
            known.location_key,
            known.source,
            max(known.week_start) as last_week
        from weeks
        inner join known on known.week_start <= weeks.week_start and known.until_week > weeks.week_start
        group by weeks.week_start, weeks.week_end, known.product_key, known.location_key, known.source

    ),

    -- What no inventory knows is forecast by what is sold, for all places together.
    series as (

        select recent.*, firsts.first_date
        from recent
        inner join
            firsts
            on recent.product_key = firsts.product_key
            and recent.location_key = firsts.location_key
            and recent.source = firsts.source
        left join
            stocked
            on recent.source = 'sales'
            and recent.product_key = stocked.product_key
            and stocked.first_date < recent.week_end
        where stocked.product_key is null

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
