"""What to reorder, for people: the list of a day on the screen, and as CSV."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from retail_assets.demand.catalog import ACCURACY, EVERYTHING, table
from retail_assets.demand.plan import LOCATIONS
from retail_assets.demand.plan_catalog import PLAN, PLAN_TABLES
from retail_assets.resources.sql import text
from retail_assets.resources.terminal import harmless
from retail_assets.resources.warehouse import WarehouseError
from retail_assets.resources.weeks import Query, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

PLANNED = PLAN_TABLES.table(PLAN)
_PRODUCTS = "warehouse.wh_dim_product"
_NAME = "coalesce(p.product, p.product_number, r.product_key)"
_CENTER = "coalesce({0}.location_name, {1}.location_key)"


@dataclass(frozen=True)
class Orders:
    """What to order and to bring, and a sentence on it."""

    rows: "pa.Table"
    day: str
    summary: str


def show(console: Console, query: Query, center: str, day: date | None) -> None:
    """Print what to order at the end of a day, or of the newest. Raises as `reorder` does."""
    from retail_assets.resources.tables import rich_table

    found = reorder(query, center, day)
    shown = found.rows.select(
        ["distribution_center", "product", "order_quantity", "transfer_quantity", "transfer_from", "reason"]
    )
    if shown.num_rows:
        console.print(rich_table(shown, f"What to order, as of the end of {found.day}"))
    console.print(Text(harmless(found.summary)))
    console.print(Text(f"Record: {_record(query)}"))


def reorder(query: Query, center: str, day: date | None) -> Orders:
    """What a center, or all of them, should order or get from another one; the greatest value first.

    A center is given by its name or its key. Raises `WarehouseError` if there is no such center or plan.
    """
    newest = _newest(query, day)
    here = f"r.plan_date = cast('{newest}' as date)" + (
        f" and r.location_key = {text(_center(query, center))}" if center.strip() else ""
    )
    planned = (
        f"from {PLANNED} as r left join {_PRODUCTS} as p on r.product_key = p.product_key"
        f" left join {LOCATIONS} as l on r.location_key = l.location_key"
        f" left join {LOCATIONS} as t on r.transfer_from = t.location_key where {here}"
    )
    rows = query(
        f"select {_CENTER.format('l', 'r')} as distribution_center, p.product_number, {_NAME} as product,"
        " r.supplier, r.order_quantity, r.order_value, r.transfer_quantity,"
        " coalesce(t.location_name, r.transfer_from) as transfer_from, r.on_hand, r.on_order,"
        " r.reorder_point, r.lead_days, cast(r.runs_out_date as varchar) as runs_out_date, r.reason"
        f" {planned} and (r.order_quantity > 0 or r.transfer_quantity > 0)"
        " order by 1, r.order_value desc nulls last, r.order_quantity desc nulls last, r.product_key"
    )
    ((everything, late, surplus, value),) = rows_of(
        query,
        "select count(*), count(case when r.runs_out_before_delivery then 1 end),"
        " count(case when r.surplus_quantity > 0 then 1 end), sum(r.order_value)"
        f" {planned}",
    )
    worth = f", worth {value:,.2f}" if value else ""
    return Orders(
        rows,
        newest,
        f"{rows.num_rows:,} of {everything:,} products of centers are to be ordered or brought from another"
        f" center{worth}. {late:,} may run out before their next delivery; of {surplus:,} there is too much.",
    )


def _newest(query: Query, day: date | None) -> str:
    """The day asked for, or the newest that has a plan."""
    schema, name = PLANNED.split(".")
    ((there,),) = rows_of(
        query,
        "select count(*) from information_schema.tables"
        f" where lower(table_schema) = '{schema}' and lower(table_name) = '{name}'",
    )
    days = rows_of(query, f"select min(plan_date), max(plan_date) from {PLANNED}") if there else []
    if not days or days[0][1] is None:
        raise WarehouseError(
            "No day has a plan yet. It takes the inventory's stock of the day and forecasts of the week"
            " before: run `retail-assets backfill --weekly --from DATE --to DATE`, or the job `weekly` in the"
            " UI."
        )
    first, last = days[0]
    if day is None:
        return str(last)
    asked = f"select 1 from {PLANNED} where plan_date = cast('{day}' as date) limit 1"
    if not rows_of(query, asked):
        raise WarehouseError(
            f"{day} has no plan. The first day that has one is {first}, the last {last}. A day needs the"
            " inventory's stock and forecasts of the week before."
        )
    return str(day)


def _center(query: Query, center: str) -> str:
    """The key of a center."""
    asked = text(center.strip().lower())
    found = rows_of(
        query,
        f"select location_key from {LOCATIONS} where location_type = 'distribution center'"
        f" and (lower(location_name) = {asked} or location_key = {asked} or source_id = {asked})"
        " order by location_key",
    )
    if not found:
        names = rows_of(
            query,
            f"select coalesce(location_name, source_id) from {LOCATIONS}"
            " where location_type = 'distribution center' order by 1",
        )
        known = ", ".join(str(name) for (name,) in names) or "none"
        raise WarehouseError(
            f"No distribution center is called {harmless(center)}. There are: {harmless(known)}."
        )
    return str(found[0][0])


def _record(query: Query) -> str:
    rows = rows_of(
        query,
        f"select cast(week_start as varchar), verdict from {table(ACCURACY)}"
        f" where category = {text(EVERYTHING)} and weeks_ahead = 1"
        " order by week_start desc nulls last limit 1",
    )
    if not rows:
        return "none yet; no forecast is a week old."
    return f"forecasts one week ahead, in the week of {rows[0][0]}: {rows[0][1]}"
