{% set prior = var("affinity_prior") | int %}

with

    baskets as ({{ weekly_baskets() }}),

    totals as (

        select week_start, count(*) as baskets
        from (select distinct week_start, buyer, order_date from baskets) as distinct_baskets
        group by week_start

    ),

    products as (
        select week_start, product_key, count(*) as baskets from baskets group by week_start, product_key
    ),

    -- Each pair once, in the order of its keys: first of each buyer, so that buyers are counted without
    -- being sorted.
    pairs_of_buyers as (

        select
            one.week_start,
            one.product_key as first_key,
            other.product_key as second_key,
            one.buyer,
            max(case when one.consumer_key <> {{ unknown_key() }} then 1 else 0 end) as is_known,
            count(*) as baskets

        from baskets as one
        inner join
            baskets as other
            on one.week_start = other.week_start
            and one.buyer = other.buyer
            and one.order_date = other.order_date
            and one.product_key < other.product_key
        group by one.week_start, one.product_key, other.product_key, one.buyer

    ),

    pairs as (

        select week_start, first_key, second_key, sum(baskets) as baskets, sum(is_known) as consumers
        from pairs_of_buyers
        group by week_start, first_key, second_key

    ),

    neighbours as (

        select week_start, first_key as product_key, second_key as neighbour_key, baskets, consumers
        from pairs
        union all
        select week_start, second_key as product_key, first_key as neighbour_key, baskets, consumers
        from pairs

    ),

    measured as (

        select
            neighbours.week_start,
            neighbours.product_key,
            neighbours.neighbour_key,
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
            products
            on neighbours.week_start = products.week_start
            and neighbours.product_key = products.product_key
        inner join
            products as neighbour
            on neighbours.week_start = neighbour.week_start
            and neighbours.neighbour_key = neighbour.product_key

    ),

    final as (

        select
            week_start,
            product_key,
            neighbour_key,
            cast(
                row_number() over (
                    partition by week_start, product_key order by lift desc, baskets desc, neighbour_key
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
                partition by week_start, product_key order by lift desc, baskets desc, neighbour_key
            )
            <= {{ var("affinity_neighbours") }}

    )

select *
from final
