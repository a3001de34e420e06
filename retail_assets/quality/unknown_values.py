"""Values that nobody has mapped yet: told with their rows and amount, since they are no sales until then."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import dagster as dg

from retail_assets.catalog.contract import CHANGED_AT
from retail_assets.quality.row_account import in_window
from retail_assets.quality.warned import warned
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

CHECK_NAME = "known_values"
VALUES_SHOWN = 5
UNTIL_MAPPED = "They count as no sales until the system's mapping says what they are."


class Watched(NamedTuple):
    """A column of a staging model that holds our words, and what a row of it is worth, if that is known."""

    model: str
    column: str
    source_column: str
    amount: str

    @property
    def words(self) -> str:
        """What the column holds, in words."""
        return self.column.replace("_", " ")


class Unknown(NamedTuple):
    """A value that nobody has mapped, and the rows that have it."""

    value: str
    rows: int
    amount: Decimal | None

    @property
    def told(self) -> str:
        """`'on hold' (2 rows, 7.50)`."""
        amount = "" if self.amount is None else f", {self.amount:,.2f}"
        return f"'{self.value}' ({self.rows:,} row{'' if self.rows == 1 else 's'}{amount})"


WATCHED = (
    Watched("stg_sales_orders", "order_status", "source_status", "total_due"),
    Watched("stg_webshop_orders", "order_status", "source_status", "null"),
    Watched("stg_webshop_order_items", "item_status", "source_status", "sale_price"),
)


def known_value_specs(keys: set[dg.AssetKey]) -> Iterator[dg.AssetCheckSpec]:
    """The check of each watched model that is among the assets."""
    for watched in WATCHED:
        key = dg.AssetKey(["staging", watched.model])
        if key in keys:
            yield dg.AssetCheckSpec(
                CHECK_NAME,
                asset=key,
                description=f"Every {watched.source_column} of the source is mapped to one of ours.",
            )


def known_value_results(
    selected: set[dg.AssetCheckKey], execute: Execute, window: Window
) -> Iterator[dg.AssetCheckResult]:
    """A result for each selected check, over the rows that the window changed. It warns: no row is lost."""
    for watched in WATCHED:
        check = dg.AssetCheckKey(dg.AssetKey(["staging", watched.model]), CHECK_NAME)
        if check not in selected:
            continue
        found = unknown_values(watched, execute, window)
        yield warned(
            check,
            _sentence(watched, found) if found else "",
            {"unknown values": len(found), "rows": sum(each.rows for each in found)},
        )


def unknown_values(watched: Watched, execute: Execute, window: Window) -> Sequence[Unknown]:
    """The values of a watched column that nobody has mapped, of the rows that the window changed."""
    rows = execute(f"""
        select {watched.source_column}, count(*), sum({watched.amount})
        from staging.{watched.model}
        where {watched.column} = 'unknown' and {in_window(CHANGED_AT, window)}
        group by {watched.source_column}
        order by count(*) desc nulls last, {watched.source_column}
    """)
    return [Unknown(value, int(count), amount) for value, count, amount in rows]


def _sentence(watched: Watched, found: Sequence[Unknown]) -> str:
    told = ", ".join(each.told for each in found[:VALUES_SHOWN])
    more = f" and {len(found) - VALUES_SHOWN} more" if len(found) > VALUES_SHOWN else ""
    return f"Unknown {watched.words}: {told}{more}. {UNTIL_MAPPED}"
