"""Whether as many rows arrived of each source table as on the same weekdays before.

A source that stopped, or a load that read half of it, breaks no rule of any row: nothing else would tell. The
rows that raw took in are counted by day, of all tables of a system in one query. What is expected of a day is
the median of the same weekdays in the eight weeks before it, so a shop that is closed on Sundays is none that
stopped, and one odd day is not expected to come again. As many as on the same day of the month before are no
surprise either: points and statements are booked by the month.

Of few rows chance alone makes large shares. So what is missing has to be more than chance explains: some
standard deviations of a count, or of what these weekdays differ by, whichever is more. A table of few rows is
found as soon as the days without any of it add up to enough; a young one is not judged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import sqrt
from statistics import median
from typing import Any

import dagster as dg

from retail_assets.catalog.contract import CHANGED_AT, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.quality.row_account import in_window
from retail_assets.quality.warned import warned
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

CHECK_NAME = "volume_as_usual"

WEEKS = 8
# So many of the weekdays before have to be there.
LEAST_WEEKS = 4
# Of a long window the newest days are judged.
DAYS_JUDGED = 14
# Without one row where so many are expected: by chance once in 3,000 days.
SILENCE = 8
# Standard deviations that chance does not explain.
TOO_FEW = 5
TOO_MANY = 10
# Too many are also this many times what is expected: whoever amends a price list changes many rows at once.
TIMES = 5
# The median of absolute deviations as a standard deviation.
TO_DEVIATION = 1.4826

Counts = Mapping[date, int]


@dataclass(frozen=True)
class Odd:
    """A day of a table on which other than the usual number of rows arrived."""

    table: str
    day: date
    seen: int
    expected: float
    since: date | None = None
    """The first day without any row."""

    @property
    def told(self) -> str:
        """`erp.customer: no row since 2024-03-05, 12 were expected`."""
        usual = "the median of the same weekdays before"
        if self.since and self.since < self.day:
            return (
                f"{self.table}: not one row from {self.since} to {self.day}; about {self.expected:,.0f}"
                f" were expected ({usual})."
            )
        seen = f"{self.seen:,} row{'' if self.seen == 1 else 's'}" if self.seen else "not one row"
        return f"{self.table}: {seen} on {self.day}; about {self.expected:,.0f} were expected ({usual})."


def volume_specs(keys: Iterable[dg.AssetKey]) -> Iterator[dg.AssetCheckSpec]:
    """The check of each raw table."""
    for key in keys:
        yield dg.AssetCheckSpec(
            CHECK_NAME,
            asset=key,
            description="As many rows arrived as on the same weekdays before.",
        )


def volume_results(
    selected: set[dg.AssetCheckKey],
    tables: Sequence[SourceTable],
    keys: Mapping[str, dg.AssetKey],
    window: Window,
    timezone: str,
    execute: Execute,
) -> Iterator[dg.AssetCheckResult]:
    """A result for each selected check, of the window's newest days. It warns: what is there is right."""
    # Not at the top: the definitions load often, and need no SQLAlchemy.
    from retail_assets.ingestion.reconciliation import days_of_window

    checks = {each.name: dg.AssetCheckKey(keys[each.name], CHECK_NAME) for each in tables}
    watched = [each for each in tables if checks[each.name] in selected]
    judged = days_of_window(window, timezone)[-DAYS_JUDGED:]
    if not watched:
        return
    counts = arrivals(watched, judged, timezone, execute) if judged else {}
    for table in watched:
        seen = {} if table.is_irregular else counts.get(table.name, {})
        odd = list(unusual(table.full_name, seen, judged))
        newest = odd[-1] if odd else None
        yield warned(
            checks[table.name],
            newest.told if newest else "",
            {
                "odd days": len(odd),
                **({"rows": newest.seen, "rows expected": round(newest.expected, 1)} if newest else {}),
            },
        )


def arrivals(
    tables: Sequence[SourceTable], judged: Sequence[date], timezone: str, execute: Execute
) -> Mapping[str, Counts]:
    """How many rows raw took in of each table by the retailer's day, refused rows too."""
    from retail_assets.ingestion.reconciliation import day_span

    first = judged[0] - timedelta(weeks=WEEKS)
    days = [first + timedelta(days=number) for number in range((judged[-1] - first).days + 1)]
    spans = {day: day_span(day, timezone) for day in days}
    listed = " union all ".join(
        f"select cast('{day}' as date) as arrived_on, {_moment(start)} as begins, {_moment(end)} as ends"
        for day, (start, end) in spans.items()
    )
    within = in_window(CHANGED_AT, Window(spans[days[0]].start, spans[days[-1]].end))
    rows = [
        f"select {text(table.name)} as table_name, {CHANGED_AT} as arrived_at"
        f" from {table.schema}.{table.name} where {within}"
        for table in tables
    ]
    names = ", ".join(text(table.name) for table in tables)
    rows.append(
        f"select table_name, {CHANGED_AT} as arrived_at from {tables[0].schema}.{refusals.TABLE}"
        f" where {within} and table_name in ({names})"
    )
    found: dict[str, dict[date, int]] = {}
    for name, day, count in execute(f"""
        select arrived.table_name, days.arrived_on, count(*)
        from ({" union all ".join(rows)}) as arrived
        inner join ({listed}) as days
            on arrived.arrived_at >= days.begins and arrived.arrived_at < days.ends
        group by arrived.table_name, days.arrived_on
    """):
        found.setdefault(name, {})[day] = int(count)
    return found


def unusual(table: str, counts: Counts, judged: Sequence[date]) -> Iterator[Odd]:
    """The days of a table on which fewer or many more rows arrived than is usual."""
    begun = min(counts, default=None)
    if begun is None:
        return
    missing, since = 0.0, None
    for day in _days_until(judged, begun):
        before = usual(counts, day, begun)
        seen = counts.get(day, 0)
        if seen:
            missing, since = 0.0, None
        if before is None:
            continue
        expected, spread = before
        if not seen:
            # A day on which none is expected is no part of a silence, nor its end.
            missing, since = missing + expected, since or (day if expected else None)
        if day not in judged:
            continue
        if not seen and missing >= SILENCE:
            yield Odd(table, day, 0, missing, since)
        deviation = max(sqrt(expected), TO_DEVIATION * spread)
        if seen and _is_odd(seen, expected, deviation, counts.get(_month_before(day), 0)):
            yield Odd(table, day, seen, expected)


def _is_odd(seen: int, expected: float, deviation: float, month_before: int) -> bool:
    if seen < expected:
        return expected - seen > TOO_FEW * deviation and seen < expected / 2
    is_many = seen - expected > TOO_MANY * deviation and seen > TIMES * max(expected, month_before)
    return expected > 0 and is_many


def _month_before(day: date) -> date:
    last_of_month = day.replace(day=1) - timedelta(days=1)
    return last_of_month.replace(day=min(day.day, last_of_month.day))


def _days_until(judged: Sequence[date], begun: date) -> Iterator[date]:
    """The judged days, and the weeks before them: a silence may have begun there."""
    first = max(begun, judged[0] - timedelta(weeks=2))
    for number in range((judged[-1] - first).days + 1):
        yield first + timedelta(days=number)


def usual(
    known: Mapping[date, Any], day: date, begun: date, nothing: int | Decimal = 0
) -> tuple[Any, Any] | None:
    """The median of the same weekdays before, and that of how far they are from it; none of what is young.

    A day that is not known had `nothing`, which is of the same type as the others.
    """
    before = [day - timedelta(weeks=number) for number in range(1, WEEKS + 1)]
    seen = [known.get(each, nothing) for each in before if each >= begun]
    if len(seen) < LEAST_WEEKS:
        return None
    middle = median(seen)
    return middle, median(abs(each - middle) for each in seen)


def _moment(moment: object) -> str:
    return f"cast('{moment:%Y-%m-%d %H:%M:%S}' as timestamp)"
