"""What is known at the end of a week of who bought what, in tables of numbers: keys are joined once.

All of it is as of the end of the week: orders and returns of later days do not show.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from retail_assets.recommendations.catalog import (
    AFFINITY,
    FEWEST_CONSUMERS,
    HALF_LIFE_DAYS,
    LENGTH,
    NEIGHBOURS,
    POOL,
    POPULARITY,
    SCHEMA,
    SHARE_OF_AFFINITY,
    SHORTAGES,
)
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday, number
from retail_assets.resources.weekly_tables import weeks_later

UNKNOWN = "'00000000000000000000000000000000'"
"""The member that stands for who or what is not known; the dbt project's `unknown_key`."""

SALES, RETURNS = "warehouse.wh_fact_sales", "warehouse.wh_fact_sales_returns"
CONSUMERS, HISTORY = "warehouse.wh_dim_consumer", "warehouse.wh_dim_consumer_history"
LOCATIONS = "warehouse.wh_dim_location"

MILLION = 1_000_000
"""One purchase of today, as weights are counted: whole numbers sum to the same in any order."""
THOUSAND = 1_000
"""One recent basket, as gains are counted."""


@dataclass(frozen=True)
class Knowledge:
    """The names of the tables, and of which week they are."""

    week: str
    products: str
    """product, product_key, product_name, recent_baskets, recent_consumers, place (1: most popular),
    is_discontinued."""
    places: str
    """place, location_key: those where something is short."""
    shortages: str
    """product, place: what is short where."""
    consumers: str
    """consumer, consumer_key, marketing_opt_in, place (null where nothing is short). From 0 on."""
    history: str
    """consumer, product, purchases, last_purchase_date, weight, is_returned (1 or 0)."""
    neighbours: str
    """product, neighbour, gain (baskets that affinity adds, in thousandths), consumers."""
    pool: str
    """product, position (1: most popular): the most popular ones that are sold."""
    reaches: str
    """consumer, reach: down to here the pool has ten that the consumer has not and can be sold."""


@contextmanager
def known_at_end_of(session: Session, week: str, name: str, among: str | None = None) -> Iterator[Knowledge]:
    """What is known at the end of a week; of everybody, or of those whose keys the query `among` has.

    `name` tells these tables from others of the session. Not inside a transaction.
    """
    end = monday(weeks_later(week, 1))
    with ExitStack() as stack:

        def keep(table: str, query: str) -> str:
            return stack.enter_context(session.keeping(f"{SCHEMA}.{name}_{table}", query))

        products = keep("products", _products(week))
        places = keep("places", _places(week))
        shortages = keep("shortages", _shortages(week, products, places))
        consumers = keep("consumers", _consumers(end, places, among))
        history = keep("history", _history(end, products, consumers))
        neighbours = keep("neighbours", _neighbours(week, products))
        pool = keep("pool", _pool(products))
        reaches = keep("reaches", _reaches(consumers, history, shortages, pool))
        yield Knowledge(week, products, places, shortages, consumers, history, neighbours, pool, reaches)


def _products(week: str) -> str:
    return f"""
    select
        row_number() over (order by product_key) as product,
        product_key,
        product_name,
        recent_baskets,
        recent_consumers,
        popularity_rank as place,
        is_discontinued
    from {POPULARITY}
    where week_start = {monday(week)}"""


def _places(week: str) -> str:
    return f"""
    select row_number() over (order by location_key) as place, location_key
    from (select distinct location_key from {SHORTAGES} where week_start = {monday(week)}) as short"""


def _shortages(week: str, products: str, places: str) -> str:
    return f"""
    select products.product, places.place
    from {SHORTAGES} as shortages
    inner join {products} as products on shortages.product_key = products.product_key
    inner join {places} as places on shortages.location_key = places.location_key
    where shortages.week_start = {monday(week)}"""


def _consumers(end: str, places: str, among: str | None) -> str:
    """Who has bought and is known still. A consumer is served where they lived then, by state or country."""
    chosen = f"and sales.consumer_key in ({among})" if among else ""
    return f"""
    with buyers as (

        select distinct sales.consumer_key
        from {SALES} as sales
        where sales.is_sale and sales.order_date < {end} and sales.consumer_key <> {UNKNOWN} {chosen}

    ),

    described as (

        select
            consumers.consumer_key,
            history.marketing_opt_in,
            coalesce(states.location_key, countries.location_key, {UNKNOWN}) as location_key
        from buyers
        inner join {CONSUMERS} as consumers on buyers.consumer_key = consumers.consumer_key
        left join {HISTORY} as history
            on consumers.consumer_key = history.consumer_key
            and history.valid_from < {end}
            and (history.valid_to is null or history.valid_to >= {end})
        left join {LOCATIONS} as states
            on states.location_type = 'state'
            and states.latitude is not null
            and history.country = states.country
            and history.state_province = states.state_province
        left join {LOCATIONS} as countries
            on countries.location_type = 'country'
            and countries.latitude is not null
            and history.country = countries.country

    )

    select
        row_number() over (order by described.consumer_key) - 1 as consumer,
        described.consumer_key,
        described.marketing_opt_in,
        places.place
    from described
    left join {places} as places on described.location_key = places.location_key"""


def _history(end: str, products: str, consumers: str) -> str:
    """Purchases are days; what came back by the end of the week, or was credited, is returned."""
    days_ago = f"datediff('day', order_date, {end})"
    weight = (
        f"cast(floor({number(MILLION)} * power({number(0.5)}, {days_ago} / {number(HALF_LIFE_DAYS)})"
        f" + {number(0.5)}) as bigint)"
    )
    return f"""
    with sold as (

        select consumers.consumer, products.product, sales.order_date, sales.quantity
        from {SALES} as sales
        inner join {consumers} as consumers on sales.consumer_key = consumers.consumer_key
        inner join {products} as products on sales.product_key = products.product_key
        where sales.is_sale and sales.order_date < {end}

    ),

    days as (

        select consumer, product, order_date
        from sold
        group by consumer, product, order_date
        having sum(quantity) > 0

    ),

    told as (

        select consumer, product, 1 as purchases, order_date, {weight} as weight, 0 as is_returned
        from days

        union all

        select consumer, product, 0 as purchases, null as order_date, 0 as weight, 1 as is_returned
        from sold
        where quantity < 0

        union all

        select
            consumers.consumer,
            products.product,
            0 as purchases,
            null as order_date,
            0 as weight,
            1 as is_returned
        from {RETURNS} as returns
        inner join {consumers} as consumers on returns.consumer_key = consumers.consumer_key
        inner join {products} as products on returns.product_key = products.product_key
        where returns.return_date < {end}

    )

    select
        consumer,
        product,
        cast(sum(purchases) as integer) as purchases,
        max(order_date) as last_purchase_date,
        cast(sum(weight) as bigint) as weight,
        max(is_returned) as is_returned
    from told
    group by consumer, product"""


def _neighbours(week: str, products: str) -> str:
    """Those of each product that affinity adds most baskets to: a share of popularity times lift less 1."""
    gain = (
        f"cast(floor(neighbour.recent_baskets * (cast(affinity.least_lift as double) - {number(1)})"
        f" * {number(SHARE_OF_AFFINITY * THOUSAND)} + {number(0.5)}) as bigint)"
    )
    return f"""
    with gains as (

        select products.product, neighbour.product as neighbour, {gain} as gain, affinity.consumers
        from {AFFINITY} as affinity
        inner join {products} as products on affinity.product_key = products.product_key
        inner join {products} as neighbour on affinity.neighbour_key = neighbour.product_key
        where
            affinity.week_start = {monday(week)}
            and affinity.least_lift > 1
            and affinity.consumers >= {FEWEST_CONSUMERS}
            and not neighbour.is_discontinued

    )

    select product, neighbour, gain, consumers
    from gains
    where gain > 0
    qualify row_number() over (
        partition by product order by gain desc nulls last, neighbour
    ) <= {NEIGHBOURS}"""


def _pool(products: str) -> str:
    return f"""
    select product, row_number() over (order by place) as position
    from {products}
    where not is_discontinued
    qualify row_number() over (order by place) <= {POOL}"""


def _reaches(consumers: str, history: str, shortages: str, pool: str) -> str:
    """As many more than ten as the consumer has of the pool, and as are short where they live."""
    return f"""
    with owned as (

        select history.consumer, count(*) as products
        from {history} as history
        inner join {pool} as pool on history.product = pool.product
        group by history.consumer

    ),

    lacking as (

        select shortages.place, count(*) as products
        from {shortages} as shortages
        inner join {pool} as pool on shortages.product = pool.product
        group by shortages.place

    )

    select
        people.consumer,
        least({LENGTH} + coalesce(owned.products, 0) + coalesce(lacking.products, 0), {POOL}) as reach
    from {consumers} as people
    left join owned on people.consumer = owned.consumer
    left join lacking on people.place = lacking.place"""
