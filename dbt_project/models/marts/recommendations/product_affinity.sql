{% set prior = var("affinity_prior") | int %}

with

    baskets as ({{ weekly_baskets() }}),

    totals as (

        select week_start, count(*) as baskets
        from (select distinct week_start, buyer, order_date from baskets) as distinct_baskets
        group by week_start

    ),

    products as (

        select week_start, product, min(product_key) as product_key, count(*) as baskets
        from baskets
        group by week_start, product

    ),

    -- Each pair once: first of each buyer, so that buyers are counted without being sorted.
    pairs_of_buyers as (

        select
            one.week_start,
            one.product as first_product,
            other.product as second_product,
            one.buyer,
            max(case when one.is_known then 1 else 0 end) as is_known,
            count(*) as baskets

        from baskets as one
        inner join
            baskets as other
            on one.week_start = other.week_start
            and one.buyer = other.buyer
            and one.order_date = other.order_date
            and one.product < other.product
        group by one.week_start, one.product, other.product, one.buyer

    ),

    pairs as (

        select week_start, first_product, second_product, sum(baskets) as baskets, sum(is_known) as consumers
        from pairs_of_buyers
        group by week_start, first_product, second_product

    ),

    neighbours as (

        select week_start, first_product as product, second_product as neighbour, baskets, consumers
        from pairs
        union all
        select week_start, second_product as product, first_product as neighbour, baskets, consumers
        from pairs

    ),

    measured as (

        select
            neighbours.week_start,
            products.product_key,
            neighbour.product_key as neighbour_key,
            cast(neighbours.baskets as bigint) as baskets,
            cast(neighbours.consumers as bigint) as consumers,
            {{ ratio("neighbours.baskets", "totals.baskets") }} as support,
            {{ ratio("neighbours.baskets", "products.baskets") }} as confidence,
            {{ ratio("neighbours.baskets * totals.baskets", "products.baskets * neighbour.baskets") }}
            as raw_lift,
            -- The prior's baskets are expected ones that happened: without any, a pair is taken to be chance.
            {{
                ratio(
                    "(neighbours.baskets + " ~ prior ~ ") * totals.baskets",
                    "(products.baskets * neighbour.baskets + " ~ prior ~ " * totals.baskets)",
                )
            }} as lift,

            -- Of a count as small as it may be but for chance, with one basket of chance beside it.
            cast(
                round(
                    (
                        greatest(
                            cast(neighbours.baskets as double)
                            - 2.5 * sqrt(cast(neighbours.baskets as double)),
                            0
                        )
                        + 1
                    )
                    * cast(totals.baskets as double)
                    / (
                        cast(products.baskets as double) * cast(neighbour.baskets as double)
                        + cast(totals.baskets as double)
                    ),
                    6
                ) as decimal(18, 6)
            ) as least_lift

        from neighbours
        inner join totals on neighbours.week_start = totals.week_start
        inner join
            products on neighbours.week_start = products.week_start and neighbours.product = products.product
        inner join
            products as neighbour
            on neighbours.week_start = neighbour.week_start
            and neighbours.neighbour = neighbour.product

    ),

    final as (

        select
            week_start,
            product_key,
            neighbour_key,
            cast(
                row_number() over (
                    partition by week_start, product_key
                    order by lift desc nulls last, baskets desc nulls last, neighbour_key
                ) as integer
            ) as neighbour_rank,
            baskets,
            consumers,
            support,
            confidence,
            raw_lift,
            lift,
            least_lift
        from measured
        qualify
            row_number() over (
                partition by week_start, product_key
                order by lift desc nulls last, baskets desc nulls last, neighbour_key
            )
            <= {{ var("affinity_neighbours") }}

    )

select *
from final
