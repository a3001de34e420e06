"""Comparing raw with the source: counts per day of the last two weeks, and impossible times of change.

A row that is committed after a reading, with a time of change before the overlap of the next one, is in no
reading. So each reading of a database also counts, for each recent day that was read, the rows that changed
on it: in the source, and in raw with its refused rows. Fewer in raw is a loss. More is not: rows change again
after they were read, and move to a later day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from retail_assets.catalog.contract import DELETED_AT, MODIFIED_AT, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.ingestion.scope import is_believable
from retail_assets.ingestion.versions import is_newest, stored_key, timestamp
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window, midnight

DAYS = 14


@dataclass(frozen=True)
class Difference:
    """One of the retailer's days for which the source has more rows than raw."""

    day: date
    in_source: int
    in_raw: int


@dataclass(frozen=True)
class Unbelievable:
    """Rows in raw with an impossible time of change."""

    rows: int
    first: datetime
    last: datetime
    example: str


def recent_days(window: Window, read: Sequence[Window], zone: str) -> Mapping[date, Window]:
    """The retailer's days up to the window's end, of those that were read."""
    last = window.end.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    dates = (last - timedelta(days=number) for number in reversed(range(DAYS)))
    days = {day: day_span(day, zone) for day in dates}
    return {
        day: span
        for day, span in days.items()
        if any(each.start <= span.start and span.end <= each.end for each in read)
    }


def day_span(day: date, zone: str) -> Window:
    """One of the retailer's days."""
    return Window(midnight(day, zone), midnight(day + timedelta(days=1), zone))


def days_of_window(window: Window, zone: str) -> list[date]:
    """The retailer's days that lie whole within a window."""
    first = window.start.astimezone(ZoneInfo(zone)).date()
    number = (window.end.astimezone(ZoneInfo(zone)).date() - first).days
    days = (first + timedelta(days=each) for each in range(number + 1))
    spans = {day: day_span(day, zone) for day in days}
    return [day for day, (start, end) in spans.items() if window.start <= start and end <= window.end]


def rows_by_day(table: SourceTable, days: Sequence[Window], execute: Execute) -> Sequence[int]:
    """How many rows raw, and its refused rows, have of each of the days."""
    first = timestamp(days[0].start)
    counted = f"""
        select {MODIFIED_AT} from (
            select {MODIFIED_AT}
            from {table.schema}.{table.name}
            where {MODIFIED_AT} >= {first} and {DELETED_AT} is null
            qualify {is_newest(table)}
        ) as newest
        union all
        select {MODIFIED_AT}
        from {table.schema}.{refusals.TABLE}
        where table_name = {text(table.name)} and {DELETED_AT} is null and {MODIFIED_AT} >= {first}
    """
    ((*counts,),) = execute(f"select {counts_sql(days)} from ({counted}) as counted")
    return list(map(int, counts))


def counts_sql(days: Sequence[Window]) -> str:
    """The counts of a relation's rows by `_modified_at`: a column for each day."""
    bounds = ((timestamp(start), timestamp(end)) for start, end in days)
    return ", ".join(
        f"count(case when {MODIFIED_AT} >= {start} and {MODIFIED_AT} < {end} then 1 end)"
        for start, end in bounds
    )


def differences(
    days: Iterable[date], in_source: Sequence[int], in_raw: Sequence[int], forgotten: int = 0
) -> Iterator[Difference]:
    """The days for which the source has more rows, by more than those that raw may not have."""
    for day, source, raw in zip(days, in_source, in_raw, strict=True):
        if source > raw + forgotten:
            yield Difference(day, source, raw)


def unbelievable(
    tables: Sequence[SourceTable], loaded_at: datetime, execute: Execute
) -> Mapping[str, Unbelievable]:
    """Rows in raw with an impossible time of change, by table."""
    asked = " union all ".join(_unbelievable_sql(table, loaded_at) for table in tables)
    rows = execute(asked) if tables else []
    return {name: Unbelievable(int(count), *told) for name, count, *told in rows if count}


def _unbelievable_sql(table: SourceTable, loaded_at: datetime) -> str:
    raw, key = f"{table.schema}.{table.name}", ", ".join(table.primary_key)
    cannot_be = f"{DELETED_AT} is null and not {is_believable(MODIFIED_AT, loaded_at)}"
    return f"""
        select {text(table.name)}, count(*), min({MODIFIED_AT}), max({MODIFIED_AT}),
            min({stored_key(table)})
        from (
            select * from {raw}
            where {DELETED_AT} is null and ({key}) in (select {key} from {raw} where {cannot_be})
            qualify {is_newest(table)}
        ) as newest
        where {cannot_be}
    """
