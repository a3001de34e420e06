"""Whether raw has what the source has: counts per day of the last two weeks, and stamps that place no row.

A reading cannot see what is committed after it with an older stamp, beyond the hours that it overlaps the one
before. So each reading of a database also counts: on each recent day that was read, how many rows the
source says changed then, and how many raw and its refused rows have of that day. Fewer in raw is a loss. More
is none: rows change again after they were read, and move to a later day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from retail_assets.catalog.contract import DELETED_AT, LOADED_AT, MODIFIED_AT, ROW_HASH, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.ingestion.scope import is_believable
from retail_assets.ingestion.versions import key_sql, text, timestamp
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

DAYS = 14


@dataclass(frozen=True)
class Difference:
    """A day of the retailer's of which the source has more rows than raw."""

    day: date
    in_source: int
    in_raw: int


@dataclass(frozen=True)
class Unbelievable:
    """Rows in raw whose time of change cannot be."""

    rows: int
    first: datetime
    last: datetime
    example: str


def recent_days(window: Window, read: Sequence[Window], zone: str) -> Mapping[date, Window]:
    """The retailer's days up to the window's end, of those that were read."""
    last = window.end.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    dates = (last - timedelta(days=number) for number in reversed(range(DAYS)))
    days = {day: Window(_midnight(day, zone), _midnight(day + timedelta(days=1), zone)) for day in dates}
    return {
        day: span
        for day, span in days.items()
        if any(each.start <= span.start and span.end <= each.end for each in read)
    }


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def rows_by_day(table: SourceTable, days: Sequence[Window], execute: Execute) -> Sequence[int]:
    """How many rows raw, and its refused rows, have of each of the days."""
    first = timestamp(days[0].start)
    counted = f"""
        select {MODIFIED_AT} from (
            select {MODIFIED_AT}
            from {table.schema}.{table.name}
            where {MODIFIED_AT} >= {first} and {DELETED_AT} is null
            qualify row_number() over (
                partition by {", ".join(table.primary_key)}
                order by {MODIFIED_AT} desc, {LOADED_AT} desc, {ROW_HASH}
            ) = 1
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
    days: Iterable[date], in_source: Sequence[int], in_raw: Sequence[int]
) -> Iterator[Difference]:
    """The days of which the source has more."""
    for day, source, raw in zip(days, in_source, in_raw, strict=True):
        if source > raw:
            yield Difference(day, source, raw)


def unbelievable(
    tables: Sequence[SourceTable], loaded_at: datetime, execute: Execute
) -> Mapping[str, Unbelievable]:
    """Rows that are in raw with a time of change that cannot be, by table."""
    asked = " union all ".join(
        f"""
        select {text(table.name)}, count(*), min({MODIFIED_AT}), max({MODIFIED_AT}),
            min({key_sql(table, lambda name: f"cast({name} as varchar)")})
        from {table.schema}.{table.name}
        where {DELETED_AT} is null and not {is_believable(MODIFIED_AT, loaded_at)}
        """
        for table in tables
    )
    rows = execute(asked) if tables else []
    return {name: Unbelievable(int(count), *told) for name, count, *told in rows if count}
