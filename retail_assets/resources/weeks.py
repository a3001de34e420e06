"""Which week of a weekly table a reader asks for."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from retail_assets.resources.warehouse import WarehouseError

if TYPE_CHECKING:
    import pyarrow as pa

Query = Callable[[str], "pa.Table"]
"""What answers a statement."""


def week_of(query: Query, relation: str, day: date | None, what: str) -> str:
    """The Monday of the day's week; of the newest week that the relation has, if no day is given.

    Raises `WarehouseError`, which says which weeks have `what`, if that week has none.
    """
    weeks = _weeks(query, relation)
    if not weeks:
        raise WarehouseError(
            f"No week has {what} yet. Run `retail-assets backfill --weekly --from DATE --to DATE`, or the"
            " job `weekly` in the UI."
        )
    if day is None:
        return weeks[-1]
    week = (day - timedelta(days=day.weekday())).isoformat()
    if week not in weeks:
        raise WarehouseError(
            f"The week of {week} has no {what}. The first week that has some is {weeks[0]}, the last"
            f" {weeks[-1]}."
        )
    return week


def rows_of(query: Query, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement's result."""
    return [tuple(row.values()) for row in query(statement).to_pylist()]


def _weeks(query: Query, relation: str) -> list[str]:
    ((there,),) = rows_of(
        query,
        "select count(*) from information_schema.tables"
        f" where lower(table_schema) || '.' || lower(table_name) = '{relation}'",
    )
    if not there:
        return []
    found = rows_of(query, f"select distinct week_start from {relation} order by week_start")
    return [str(week) for (week,) in found]
