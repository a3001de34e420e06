with

    baskets as ({{ weekly_baskets() }}),

    -- What the ERP has ended, by the week's end, is not sold any more.
    ended as ({{ ended_products() }}),

    bought as (

        select
            week_start,
            week_end,
            product_key,
            count(*) as baskets,
            count(case when is_recent then 1 end) as recent_baskets,
            count(distinct case when is_recent and is_known then buyer end) as recent_consumers

        from
            (
                select baskets.*, order_date >= {{ dbt.dateadd("day", -28, "week_end") }} as is_recent
                from baskets
            ) as dated_baskets
        group by week_start, week_end, product_key

    ),

    final as (

        select
            bought.week_start,
            bought.product_key,
            coalesce(products.product, products.product_number, 'product') as product_name,
            cast(bought.baskets as bigint) as baskets,
            cast(bought.recent_baskets as bigint) as recent_baskets,
            cast(bought.recent_consumers as bigint) as recent_consumers,
            cast(
                row_number() over (
                    partition by bought.week_start
                    order by
                        bought.recent_baskets desc nulls last,
                        bought.baskets desc nulls last,
                        bought.product_key
                ) as integer
            ) as popularity_rank,
            coalesce(ended.last_date < bought.week_end, false) as is_discontinued

        from bought
        left join {{ ref("wh_dim_product") }} as products on bought.product_key = products.product_key
        left join ended on bought.product_key = ended.product_key

    )

select *
from final
