"""Recommendations for people: a consumer's lists on the screen, and all of them for a mail tool."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from retail_assets.recommendations.catalog import (
    BASELINE,
    BUY_AGAIN,
    METHODS,
    NEW,
    QUALITY,
    RECOMMENDATIONS,
    table,
)
from retail_assets.recommendations.knowledge import CONSUMERS
from retail_assets.resources.sql import monday, text
from retail_assets.resources.terminal import harmless
from retail_assets.resources.warehouse import WarehouseError
from retail_assets.resources.weeks import Query, rows_of, week_of

if TYPE_CHECKING:
    import pyarrow as pa


_PRODUCTS = "warehouse.wh_dim_product"
_NAME = "coalesce(p.product, p.product_number, p.product_key)"
_MARKETING = {
    True: "Agreed to marketing.",
    False: "Opted out of marketing: not to be written to.",
    None: "The CRM does not know whether they agreed to marketing.",
}


@dataclass(frozen=True)
class Mailing:
    """A row per consumer who may be written to, and a sentence on how many they are."""

    consumers: "pa.Table"
    summary: str


def show(console: Console, query: Query, consumer: str, day: date | None) -> None:
    """Print both lists of a consumer, given by e-mail address or key, of the week of `day` or the newest.

    Raises `WarehouseError` if the consumer or the week is not there.
    """
    week = week_of(query, table(RECOMMENDATIONS), day, "recommendations")
    known = _consumer(query, consumer)
    rows = query(
        f"select r.list, r.rank, {_NAME} as product, r.reason from {table(RECOMMENDATIONS)} as r"
        f" left join {_PRODUCTS} as p on r.product_key = p.product_key where r.week_start = {monday(week)}"
        f" and r.consumer_key = {text(known['consumer_key'])} order by r.list, r.rank"
    ).to_pylist()
    console.print(Text(f"Recommendations for {known['consumer_key']}, week of {week}", "bold"))
    console.print(_MARKETING[known["marketing_opt_in"]], highlight=False)
    if not rows:
        console.print(
            "Nothing is recommended: nothing was bought by the end of the week, or all that could be"
            " recommended is out of stock, discontinued or was returned.",
            highlight=False,
        )
    verdicts = _verdicts(query, week)
    for name in METHODS:
        found = [row for row in rows if row["list"] == name]
        if not found:
            continue
        console.print()
        console.print(Text(f"{name[0].upper()}{name[1:]}", "bold"))
        told = [f"{row['rank']:>2}  {row['product']}: {row['reason']}" for row in found]
        told.append(f"Record: {verdicts.get(name, 'none yet; nothing was recommended a week before.')}")
        # Names come from the data: no markup, and nothing that a terminal obeys.
        console.print(Padding(Text("\n".join(map(harmless, told))), (0, 0, 0, 3), expand=False))


def mailing(query: Query, products: int, day: date | None) -> Mailing:
    """The first so many products of both lists, for who agreed to marketing and has an e-mail address.

    Whether they agree is as last known, not as of the week: who has taken it back is not written to. What a
    spreadsheet would compute is a text. Raises `WarehouseError` if the week is not there or nobody may be
    written to.
    """
    from retail_assets.resources.tables import as_texts

    week = week_of(query, table(RECOMMENDATIONS), day, "recommendations")
    of_week = f"from {table(RECOMMENDATIONS)} as r where r.week_start = {monday(week)}"
    consumers = query(
        f"select r.consumer_key, c.email, {', '.join(_columns(products))}"
        f" from {table(RECOMMENDATIONS)} as r inner join {CONSUMERS} as c on r.consumer_key = c.consumer_key"
        f" left join {_PRODUCTS} as p on r.product_key = p.product_key"
        f" where r.week_start = {monday(week)} and c.marketing_opt_in and c.email is not null"
        f" and r.rank <= {products} group by r.consumer_key, c.email order by r.consumer_key"
    )
    ((everybody,),) = rows_of(query, f"select count(distinct r.consumer_key) {of_week}")
    if not consumers.num_rows:
        raise WarehouseError(
            f"Nobody of the {everybody:,} consumers who have recommendations in the week of {week} has agreed"
            " to marketing and has an e-mail address: there is nobody to write to."
        )
    return Mailing(
        as_texts(consumers),
        f"{consumers.num_rows:,} of the {everybody:,} consumers who have recommendations in the week of"
        f" {week} have agreed to marketing and have an e-mail address.",
    )


def _columns(products: int) -> Iterator[str]:
    """Name, number and reason of each place of each list."""
    for list_, prefix in ((BUY_AGAIN, "buy_again"), (NEW, "new_to_you")):
        for rank in range(1, products + 1):
            here = f"case when r.list = {text(list_)} and r.rank = {rank} then"
            yield f"max({here} {_NAME} end) as {prefix}_{rank}"
            yield f"max({here} p.product_number end) as {prefix}_{rank}_number"
            yield f"max({here} r.reason end) as {prefix}_{rank}_reason"


def _consumer(query: Query, consumer: str) -> dict[str, Any]:
    asked = consumer.strip().lower()
    column = "email" if "@" in asked else "consumer_key"
    found = query(
        f"select consumer_key, marketing_opt_in from {CONSUMERS} where {column} = {text(asked)}"
        " order by consumer_key"
    ).to_pylist()
    if not found:
        name = "e-mail address" if column == "email" else "key"
        raise WarehouseError(
            f"No consumer has the {name} {harmless(consumer)}. Keys stand in {CONSUMERS}; who was erased is"
            " not there any more."
        )
    first: dict[str, Any] = found[0]
    return first


def _verdicts(query: Query, week: str) -> dict[str, str]:
    return dict(
        rows_of(
            query,
            f"select list, verdict from {table(QUALITY)}"
            f" where week_start = {monday(week)} and method = {text(BASELINE)}",
        )
    )
