"""The versions of rows that raw has seen, and what changed from one to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
)
from retail_assets.explaining.entries import Staged
from retail_assets.explaining.explanation import PERSONAL, Query
from retail_assets.ingestion.refusals import TABLE as REFUSED_ROWS
from retail_assets.ingestion.versions import stored_key

KEY = "_key"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that raw saw of a row: it came, a column changed, it went."""

    table: str
    key: str
    day: date | None
    """The partition that took it in."""
    loaded_at: datetime | None
    what: str
    column: str | None = None
    before: str | None = None
    after: str | None = None
    modified_at: datetime | None = None
    """The row's own time of change."""

    @property
    def line(self) -> dict[str, Any]:
        """The change without its times."""
        return {
            "day": self.day,
            "table": self.table,
            "key": self.key,
            "what": self.what,
            "column": self.column,
            "before": self.before,
            "after": self.after,
        }


def day_of(moment: datetime | None, timezone: str) -> date | None:
    """The retailer's day of a time in UTC."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()


def versions_of(table: Staged, where: str, query: Query) -> list[Row]:
    """All versions of some rows, each with its key as text, by key and in the order in which raw saw them."""
    names = ", ".join(
        [each.name for each in table.source.columns]
        + [MODIFIED_AT, CHANGED_AT, LOADED_AT, DELETED_AT, ROW_HASH]
    )
    rows = query(
        f"select {stored_key(table.source)} as {KEY}, {names} from {table.raw} where {where}"
    ).to_pylist()
    return sorted(rows, key=lambda row: (row[KEY], *_seen(row)))


def standing(versions: Sequence[Row]) -> list[Row]:
    """The version of each row that staging judges, by its rule (macros/staging.sql)."""
    there = [row for row in versions if row[DELETED_AT] is None]
    return [max(rows, key=_judged) for _, rows in _by_key(there)]


def events_of(table: Staged, versions: Sequence[Row], refused: Sequence[Row], timezone: str) -> list[Event]:
    """What raw saw of these rows, by key and in the order in which raw saw it."""
    return [
        event for key, rows in _by_key(versions) for event in _events(table, key, rows, refused, timezone)
    ]


def refusals_of(table: Staged, where: str, query: Query) -> list[Row]:
    """Rows of a table that could not be loaded, mended ones too. `where` looks at `row_key`."""
    rows: list[Row] = query(f"""
        select * from {table.source.schema}.{REFUSED_ROWS}
        where table_name = '{table.source.name}' and ({where})
        order by {CHANGED_AT}, {ROW_HASH}
    """).to_pylist()
    return rows


def shown_row(table: Staged, row: Row) -> dict[str, Any]:
    """A version by the contract's names, without personal data."""
    return {each.name: row[each.name] for each in table.source.columns if each.name not in table.personal}


def _events(
    table: Staged, key: str, rows: Sequence[Row], refused: Sequence[Row], timezone: str
) -> Iterator[Event]:
    before: Row | None = None
    for number, row in enumerate(rows):
        seen = Event(
            table.name,
            key,
            day_of(row[CHANGED_AT], timezone),
            row[LOADED_AT],
            "first seen" if before is None else "seen again",
            modified_at=row[MODIFIED_AT],
        )
        changes = list(_changes(table, before, row)) if before is not None else []
        for column, old, new in changes:
            yield replace(seen, what="changed", column=column, before=old, after=new)
        if not changes:
            yield seen
        before = row
        # All versions that were there when it went are marked with it.
        went = row[DELETED_AT]
        if went and went not in [each[DELETED_AT] for each in rows[number + 1 :]]:
            why = _why_gone(key, went, rows[:number], refused)
            yield Event(table.name, key, day_of(went, timezone), None, why)


def _why_gone(key: str, went: datetime, earlier: Sequence[Row], refused: Sequence[Row]) -> str:
    # A row that is deleted takes all of its versions with it; one that is as it was before only the last.
    if any(each[DELETED_AT] is None or each[DELETED_AT] > went for each in earlier):
        return "taken back: the row is again as it was before"
    newer = [each for each in refused if each["row_key"] == key and each["column_name"]]
    if any(each[CHANGED_AT] >= went for each in newer):
        return "set aside: a newer version was refused"
    return "deleted in the source"


def _changes(table: Staged, before: Row, after: Row) -> Iterator[tuple[str, str | None, str | None]]:
    for column in table.source.columns:
        values = before[column.name], after[column.name]
        if values[0] != values[1]:
            one, other = (
                None if value is None else PERSONAL if column.name in table.personal else str(value)
                for value in values
            )
            yield column.name, one, other


def _by_key(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for key, group in groupby(rows, key=lambda row: row[KEY]):
        yield key, list(group)


def _seen(row: Row) -> tuple[Any, ...]:
    return (*(_order(row[name]) for name in (LOADED_AT, CHANGED_AT, MODIFIED_AT)), -row[ROW_HASH])


def _judged(row: Row) -> tuple[Any, ...]:
    return (*(_order(row[name]) for name in (MODIFIED_AT, LOADED_AT)), -row[ROW_HASH])


def _order(moment: datetime | None) -> tuple[bool, Any]:
    """Nothing comes before any time."""
    return moment is not None, moment or 0
