"""The two lists of each consumer, as statements over what is known at the end of a week."""

from retail_assets.recommendations.catalog import (
    BUY_AGAIN,
    COLUMNS,
    LENGTH,
    NEW,
    RECOMMENDATIONS,
    SEEDS,
    table,
)
from retail_assets.recommendations.knowledge import MILLION, THOUSAND, Knowledge
from retail_assets.resources.sql import decimal, monday, number, text
from retail_assets.resources.weekly_tables import weeks_later

CHUNK = 250_000
"""Consumers whose candidates are held in memory at once."""
PACK = SEEDS + 1
"""A gain and the place of its seed are one number: the gain times this, and what is left of it."""


def insert_lists(known: Knowledge, part: int, parts: int) -> list[str]:
    """The statements that add both lists of the consumers of one part of so many."""
    columns = ", ".join(COLUMNS[RECOMMENDATIONS])
    return [
        f"insert into {table(RECOMMENDATIONS)} ({columns})\n{query}"
        for query in (_buy_again(known, part, parts), _new_to_you(known, part, parts))
    ]


def short(known: Knowledge, rows: str) -> str:
    """`left join` part: `lacking.product` is there if the product of `rows` is short where `people` are."""
    return (
        f"left join {known.shortages} as lacking"
        f" on {rows}.product = lacking.product and people.place = lacking.place"
    )


def _buy_again(known: Knowledge, part: int, parts: int) -> str:
    """Own purchases by decayed frequency times popularity; of the same the more popular first."""
    days = f"datediff('day', ranked.last_purchase_date, {monday(weeks_later(known.week, 1))})"
    ago = f"cast({days} as varchar) || case when {days} = 1 then ' day ago' else ' days ago' end"
    return f"""with ranked as (

    select
        people.consumer_key,
        people.marketing_opt_in,
        products.product_key,
        products.recent_baskets,
        history.purchases,
        history.last_purchase_date,
        history.weight * (products.recent_baskets + 1) as score,
        row_number() over (
            partition by history.consumer
            order by history.weight * (products.recent_baskets + 1) desc nulls last, products.place
        ) as list_rank
    from {known.history} as history
    inner join {known.products} as products on history.product = products.product
    inner join {known.consumers} as people on history.consumer = people.consumer
    {short(known, "history")}
    where
        mod(history.consumer, {parts}) = {part}
        and history.purchases > 0
        and history.is_returned = 0
        and not products.is_discontinued
        and lacking.product is null
    qualify list_rank <= {LENGTH}

)

select
    {monday(known.week)},
    consumer_key,
    marketing_opt_in,
    {text(BUY_AGAIN)},
    list_rank,
    product_key,
    case
        when purchases = 1 then 'bought once, ' || {ago}
        else 'bought ' || cast(purchases as varchar) || ' times, last ' || {ago}
    end,
    {decimal(f"cast(score as double) / {number(MILLION)}", 38)},
    purchases,
    last_purchase_date,
    null,
    null,
    recent_baskets
from ranked"""


def _new_to_you(known: Knowledge, part: int, parts: int) -> str:
    """Never bought, by popularity times what affinity to the own purchases adds.

    What speaks most for a product is packed into one number with its seed's place, so that the reason is
    found without sorting what was added up.
    """
    unit = MILLION * THOUSAND
    return f"""with seeds as (

    select
        consumer,
        product,
        least(weight, {MILLION}) as weight,
        row_number() over (partition by consumer order by weight desc nulls last, product) as seed
    from {known.history}
    where mod(consumer, {parts}) = {part} and purchases > 0 and is_returned = 0
    qualify seed <= {SEEDS}

),

-- The pool down to each reach, so that the join is one of equals.
within_reach as (

    select reaches.reach, pool.product
    from (select distinct reach from {known.reaches}) as reaches
    inner join {known.pool} as pool on pool.position <= reaches.reach

),

candidates as (

    select
        seeds.consumer,
        neighbours.neighbour as product,
        seeds.weight * neighbours.gain as gain,
        seeds.weight * neighbours.gain * {PACK} + {PACK} - seeds.seed as strongest
    from seeds
    inner join {known.neighbours} as neighbours on seeds.product = neighbours.product

    union all

    select reaches.consumer, within_reach.product, 0 as gain, 0 as strongest
    from {known.reaches} as reaches
    inner join within_reach on reaches.reach = within_reach.reach
    where mod(reaches.consumer, {parts}) = {part}

),

added_up as (

    select consumer, product, sum(gain) as gain, max(strongest) as strongest
    from candidates
    group by consumer, product

),

ranked as (

    select
        people.consumer,
        people.consumer_key,
        people.marketing_opt_in,
        products.product,
        products.product_key,
        products.recent_baskets,
        products.recent_consumers,
        cast(products.recent_baskets as double) + cast(added_up.gain as double) / {number(unit)} as score,
        case when added_up.strongest > 0 then {PACK} - mod(added_up.strongest, {PACK}) end as seed,
        row_number() over (
            partition by added_up.consumer
            order by products.recent_baskets * {unit} + added_up.gain desc nulls last, products.place
        ) as list_rank
    from added_up
    inner join {known.products} as products on added_up.product = products.product
    inner join {known.consumers} as people on added_up.consumer = people.consumer
    left join {known.history} as history
        on added_up.consumer = history.consumer and added_up.product = history.product
    {short(known, "added_up")}
    where history.product is null and lacking.product is null
    qualify list_rank <= {LENGTH}

)

select
    {monday(known.week)},
    ranked.consumer_key,
    ranked.marketing_opt_in,
    {text(NEW)},
    ranked.list_rank,
    ranked.product_key,
    case
        when neighbours.consumers is not null
        then cast(neighbours.consumers as varchar) || ' who bought your ' || own.product_name
            || ' also bought it'
        when ranked.recent_consumers = 1 then 'bought by 1 consumer in the last 4 weeks'
        when ranked.recent_consumers > 0
        then 'bought by ' || cast(ranked.recent_consumers as varchar) || ' consumers in the last 4 weeks'
        else 'among the most bought of the last two years'
    end,
    {decimal("ranked.score", 38)},
    null,
    null,
    own.product_key,
    neighbours.consumers,
    ranked.recent_baskets
from ranked
left join seeds on ranked.consumer = seeds.consumer and ranked.seed = seeds.seed
left join {known.products} as own on seeds.product = own.product
left join {known.neighbours} as neighbours
    on seeds.product = neighbours.product and ranked.product = neighbours.neighbour"""
