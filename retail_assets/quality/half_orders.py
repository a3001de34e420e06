"""Halves of orders: lines whose order is not there, and orders without a line.

They are no sales until the other half is there, so they are told, with their rows and what they are worth.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import dagster as dg

from retail_assets.catalog.contract import CHANGED_AT
from retail_assets.quality.row_account import in_window
from retail_assets.quality.warned import warned
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

CHECK_NAME = "whole_orders"
# Of an order that was not carried out nobody misses the lines.
_CARRIED_OUT = "order_status not in ('cancelled', 'rejected', 'refunded', 'adjustment')"


class Half(NamedTuple):
    """A staging model of which each row needs another's, by a key that both have."""

    model: str
    other: str
    key: str
    amount: str
    is_line: bool
    when: str = "true"


class Alone(NamedTuple):
    """Rows without their other half; the amount is null where no row says what it is worth."""

    half: Half
    rows: int
    amount: Decimal | None
    example: str

    @property
    def sentence(self) -> str:
        """Without a system's or table's name."""
        amount = "" if self.amount is None else f", {self.amount:,.2f}"
        one = self.rows == 1
        if self.half.is_line:
            rows = f"{self.rows:,} line{'' if one else 's'}{amount}"
            where = f"of {'an order that is' if one else 'orders that are'} not there"
            return f"{rows}, {where}, such as {self.example}: no sales until the order comes."
        rows = f"{self.rows:,} order{'' if one else 's'}{amount}"
        return f"{rows}, without a line, such as {self.example}: no sales until the lines come."


HALVES = (
    Half("stg_sales_order_details", "stg_sales_orders", "sales_order_id", "line_total", True),
    Half("stg_sales_orders", "stg_sales_order_details", "sales_order_id", "total_due", False, _CARRIED_OUT),
    Half(
        "stg_webshop_order_items",
        "stg_webshop_orders",
        "order_id",
        "sale_price * quantity - coalesce(discount, 0)",
        True,
    ),
    Half("stg_webshop_orders", "stg_webshop_order_items", "order_id", "total", False, _CARRIED_OUT),
)


def whole_order_specs(keys: set[dg.AssetKey]) -> Iterator[dg.AssetCheckSpec]:
    """The check of each such model that is among the assets."""
    for half in HALVES:
        key = dg.AssetKey(["staging", half.model])
        if key in keys:
            yield dg.AssetCheckSpec(
                CHECK_NAME,
                asset=key,
                description="Every line has its order, and every order that was carried out a line.",
            )


def whole_order_results(
    selected: set[dg.AssetCheckKey], execute: Execute, window: Window
) -> Iterator[dg.AssetCheckResult]:
    """A result for each selected check, over the rows that the window changed. It warns: no row is lost."""
    there: set[str] = set()
    for half in HALVES:
        check = dg.AssetCheckKey(dg.AssetKey(["staging", half.model]), CHECK_NAME)
        if check in selected:
            there = there or _staged(execute)
            # In a home that is new, a table that was refused has left the other half without any.
            found = alone(half, execute, window) if {half.model, half.other} <= there else None
            yield warned(check, found.sentence if found else "", {"rows": found.rows if found else 0})


def alone(half: Half, execute: Execute, window: Window) -> Alone | None:
    """The rows that the window changed and that lack their other half; None if all have it."""
    ((rows, amount, example),) = execute(f"""
        select count(*), sum(cast({half.amount} as decimal(38, 6))), min(cast({half.key} as varchar))
        from staging.{half.model} as one
        where {half.when} and {in_window(CHANGED_AT, window)}
            and not exists (
                select 1 from staging.{half.other} as other where other.{half.key} = one.{half.key}
            )
    """)
    return Alone(half, int(rows), amount, f"{half.key}={example}") if rows else None


def _staged(execute: Execute) -> set[str]:
    rows = execute(
        "select lower(table_name) as name from information_schema.tables"
        " where lower(table_schema) = 'staging'"
    )
    return {name for (name,) in rows}
