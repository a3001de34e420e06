"""The record: what was recommended a week before, against what was bought in the week."""

from math import log2

from retail_assets.recommendations.catalog import (
    BASELINE,
    BUY_AGAIN,
    COLUMNS,
    FREQUENCY,
    LENGTH,
    METHODS,
    NEW,
    POPULARITY,
    QUALITY,
    RECOMMENDATIONS,
    RECORD,
    table,
)
from retail_assets.recommendations.knowledge import MILLION, SALES, UNKNOWN, Knowledge
from retail_assets.recommendations.lists import short
from retail_assets.resources.sql import monday, number, text
from retail_assets.resources.weekly_tables import weeks_later

DEVIATIONS = 2.0
"""Standard deviations by which popularity must be better before it is no chance."""


def buyers_of(week: str) -> str:
    """A query: the keys of who bought in a week."""
    return f"select consumer_key from ({_bought(week)}) as bought"


def _bought(week: str) -> str:
    return (
        f"select consumer_key, product_key from {SALES}"
        f" where is_sale and consumer_key <> {UNKNOWN} and product_key <> {UNKNOWN}"
        f" and order_date >= {monday(week)} and order_date < {monday(weeks_later(week, 1))}"
        " group by consumer_key, product_key having sum(quantity) > 0"
    )


def insert_quality(week: str, known: Knowledge) -> str:
    """The statement that adds a week's rows: none if nothing was recommended the week before.

    `known` is of the week before, and has at least who bought in this week. All methods choose from the same
    products: what had been bought and what not, without what could not be recommended then.
    """
    predicted = monday(weeks_later(week, -RECORD))
    columns = ", ".join(COLUMNS[QUALITY])
    methods = [(name, method) for name, own in METHODS.items() for method in (own, BASELINE)]
    lists = " union all ".join(
        f"select {text(name)} as list, {text(method)} as method"
        for name, method in (*methods, (BUY_AGAIN, FREQUENCY))
    )
    own = ", ".join(text(method) for method in METHODS.values())
    own_method = " ".join(f"when {text(name)} then {text(method)}" for name, method in METHODS.items())
    return f"""insert into {table(QUALITY)} ({columns})
with places as (

    {_places()}

),

lists as (

    {lists}

),

bought as (

    {_bought(week)}

),

-- What each bought, by the list that could have had it.
relevant as (

    select
        people.consumer,
        people.consumer_key,
        bought.product_key,
        case when history.purchases > 0 then {text(BUY_AGAIN)} else {text(NEW)} end as list
    from bought
    inner join {known.consumers} as people on bought.consumer_key = people.consumer_key
    left join {known.products} as products on bought.product_key = products.product_key
    left join {known.history} as history
        on people.consumer = history.consumer and products.product = history.product
    where exists (select 1 from {table(RECOMMENDATIONS)} where week_start = {predicted})

),

told as (

    select
        consumer_key,
        list,
        case list {own_method} end as method,
        rank as place,
        product_key
    from {table(RECOMMENDATIONS)}
    where week_start = {predicted}

    {_own_products(known, BASELINE, "products.place")}

    {_own_products(known, FREQUENCY, "history.weight desc nulls last, products.place")}

    union all

    select
        people.consumer_key,
        {text(NEW)} as list,
        {text(BASELINE)} as method,
        row_number() over (partition by people.consumer order by products.place) as place,
        products.product_key
    from {known.consumers} as people
    inner join {known.reaches} as reaches on people.consumer = reaches.consumer
    inner join {known.pool} as pool on pool.position <= reaches.reach
    inner join {known.products} as products on pool.product = products.product
    left join {known.history} as history
        on people.consumer = history.consumer and pool.product = history.product
    {short(known, "pool")}
    where history.product is null and lacking.product is null

),

consumers as (

    select consumer_key, list, count(*) as relevant, least(count(*), {LENGTH}) as best
    from relevant
    group by consumer_key, list

),

hits as (

    select told.consumer_key, told.list, told.method, count(*) as hits, sum(places.gain) as gain
    from told
    inner join relevant
        on told.consumer_key = relevant.consumer_key
        and told.list = relevant.list
        and told.product_key = relevant.product_key
    inner join places on told.place = places.place
    group by told.consumer_key, told.list, told.method

),

scored as (

    select
        consumers.consumer_key,
        consumers.list,
        lists.method,
        case when hits.hits > 0 then 1 else 0 end as is_hit,
        {_share("coalesce(hits.hits, 0)", "consumers.relevant")} as recall,
        {_share("coalesce(hits.gain, 0)", "places.best_gain")} as ndcg
    from consumers
    inner join lists on consumers.list = lists.list
    inner join places on consumers.best = places.place
    left join hits
        on consumers.consumer_key = hits.consumer_key
        and consumers.list = hits.list
        and lists.method = hits.method

),

methods as (

    select
        list,
        method,
        count(*) as consumers,
        {_share("sum(is_hit)", "count(*)")} as hit_rate,
        {_share("sum(recall)", "count(*)")} as recall,
        {_share("sum(ndcg)", "count(*)")} as ndcg
    from scored
    group by list, method

),

-- How much better each consumer's list was, in whole millionths: their sums are the same in any order.
differences as (

    select
        list,
        consumer_key,
        cast(
            sum(
                {MILLION} * case
                    when method in ({own}) then ndcg
                    when method = {text(BASELINE)} then -ndcg
                    else 0
                end
            ) as bigint
        ) as difference
    from scored
    group by list, consumer_key

),

chances as (

    select
        list,
        cast(sum(difference) as double) as difference,
        {number(DEVIATIONS)} * sqrt(
            greatest(
                cast(sum(cast(difference as decimal(38, 0)) * difference) as double)
                - cast(sum(difference) as double) * cast(sum(difference) as double) / count(*),
                0
            )
            * count(*) / nullif(count(*) - 1, 0)
        ) as chance
    from differences
    group by list

),

compared as (

    select
        methods.*,
        -- One consumer alone tells nothing.
        coalesce(chances.difference > -chances.chance, true) as may_be_chance,
        max(case when method in ({own}) then ndcg end) over (partition by methods.list) as own_ndcg,
        max(case when method = {text(BASELINE)} then ndcg end) over (partition by methods.list)
            as baseline_ndcg
    from methods
    inner join chances on methods.list = chances.list

)

select
    {monday(week)},
    list,
    method,
    {predicted},
    consumers,
    hit_rate,
    recall,
    ndcg,
    own_ndcg > baseline_ndcg,
    case
        when own_ndcg > baseline_ndcg then 'Better than popularity: '
        when own_ndcg = baseline_ndcg then 'As good as popularity: '
        when may_be_chance then 'No better than popularity, which may be chance: '
        else 'Not better than popularity, which is to be used instead: '
    end
        || 'NDCG at {LENGTH} ' || cast(cast(own_ndcg as decimal(9, 4)) as varchar)
        || ' against ' || cast(cast(baseline_ndcg as decimal(9, 4)) as varchar) || '.'
from compared"""


def _own_products(known: Knowledge, method: str, order: str) -> str:
    """`union all` part: what each had bought by then, in some order."""
    return f"""union all

    select
        people.consumer_key,
        {text(BUY_AGAIN)} as list,
        {text(method)} as method,
        row_number() over (partition by people.consumer order by {order}) as place,
        products.product_key
    from {known.history} as history
    inner join {known.products} as products on history.product = products.product
    inner join {known.consumers} as people on history.consumer = people.consumer
    {short(known, "history")}
    where
        history.purchases > 0
        and history.is_returned = 0
        and not products.is_discontinued
        and lacking.product is null"""


def _places() -> str:
    """What a hit in each place counts, and what the best order counts up to it."""
    gains = [round(1 / log2(place + 1), 6) for place in range(1, LENGTH + 1)]
    return "\n    union all ".join(
        f"select {place} as place, cast('{gain:.6f}' as decimal(18, 6)) as gain,"
        f" cast('{sum(gains[:place]):.6f}' as decimal(18, 6)) as best_gain"
        for place, gain in enumerate(gains, 1)
    )


def _share(part: str, whole: str) -> str:
    return f"cast(round(cast({part} as double) / cast({whole} as double), 6) as decimal(9, 6))"


def is_made(week: str) -> str:
    """A query that has a row if the week is there to be held against what was recommended before."""
    return f"select 1 from {POPULARITY} where week_start = {monday(week)} limit 1"
