"""Whether a mart's figures of the newest days are like those of the same weekdays before.

A decimal point in another place, another currency, a join that finds half of the rows: each row is right by
every rule, and as many arrive as ever. So the sums that a mart names (`meta.restated`, `usual`) are compared
with the median of the same weekdays, as rows are (volume.py). Amounts vary by themselves: odd is what lies
many times further off than these weekdays differ, and is less than half or more than five times as much. A
small shop has days without a sale: where one in ten is such a day, another one is nothing odd.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.quality.restatements import Restated, restated_marts
from retail_assets.quality.volume import (
    DAYS_JUDGED,
    TIMES,
    TO_DEVIATION,
    TOO_FEW,
    TOO_MANY,
    WEEKS,
    usual,
)
from retail_assets.quality.warned import warned
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

CHECK_NAME = "value_as_usual"
# What weekdays differ by at least, as a share: eight of them may happen to be alike.
_LEAST_DEVIATION = Decimal("0.1")
# The share of days without any figure, of those on which a shop is open, from which on such a day is usual.
_OFTEN = 0.1
# The same of one day of the week.
_OFTEN_SAME = 0.25
_NOTHING = Decimal(0)

Sums = Mapping[date, Decimal]


@dataclass(frozen=True)
class OddValue:
    """A day's figure that is other than usual."""

    day: date
    measure: str
    seen: Decimal
    expected: Decimal

    @property
    def told(self) -> str:
        """`net_sales: 120.00 on 2024-03-05; about 4,210.00 were expected (...)`."""
        return (
            f"{self.measure}: {self.seen:,.2f} on {self.day}; about {self.expected:,.2f} were expected"
            " (the median of the same weekdays before)."
        )


def value_specs(
    manifest: Mapping[str, Any], models: Mapping[str, dg.AssetSpec]
) -> Iterator[dg.AssetCheckSpec]:
    """The check of each mart that names such figures and is among the models."""
    for unique_id, mart in restated_marts(manifest).items():
        if mart.usual and unique_id in models:
            yield dg.AssetCheckSpec(
                CHECK_NAME,
                asset=models[unique_id].key,
                description=f"{', '.join(mart.usual)}: like on the same weekdays before.",
            )


def value_results(
    selected: set[dg.AssetCheckKey],
    manifest: Mapping[str, Any],
    window: Window,
    timezone: str,
    execute: Execute,
) -> Iterator[dg.AssetCheckResult]:
    """A result for each selected check, of the window's newest days. It warns: the figure may be right."""
    # Not at the top: the definitions load often, and need no SQLAlchemy.
    from retail_assets.ingestion.reconciliation import days_of_window

    keys = {
        mart.table: (dg.AssetCheckKey(dg.AssetKey(mart.table.split(".")), CHECK_NAME), mart)
        for mart in restated_marts(manifest).values()
        if mart.usual
    }
    marts = {table: (key, mart) for table, (key, mart) in keys.items() if key in selected}
    judged = days_of_window(window, timezone)[-DAYS_JUDGED:]
    sums = _sums([mart for _, mart in marts.values()], judged, execute) if marts and judged else {}
    for table, (key, mart) in marts.items():
        odd = [
            found
            for measure in mart.usual
            for found in unusual(measure, sums.get((table, measure), {}), judged)
        ]
        newest = max(odd, key=lambda each: each.day, default=None)
        yield warned(
            key,
            newest.told if newest else "",
            {
                "odd figures": len(odd),
                **({"seen": float(newest.seen), "expected": float(newest.expected)} if newest else {}),
            },
        )


def unusual(measure: str, sums: Sums, judged: Iterable[date]) -> Iterator[OddValue]:
    """The days on which a figure is far less or far more than on the same weekdays before."""
    begun = min(sums, default=None)
    for day in judged:
        before = usual(sums, day, begun, _NOTHING) if begun else None
        if begun is None or before is None or before[0] <= 0:
            continue
        seen, (expected, spread) = sums.get(day, _NOTHING), before
        if not seen and _often_has_none(sums, day, begun):
            continue
        deviation = max(Decimal(str(TO_DEVIATION)) * spread, _LEAST_DEVIATION * expected)
        too_little = seen < expected / 2 and expected - seen > TOO_FEW * deviation
        if too_little or (seen > TIMES * expected and seen - expected > TOO_MANY * deviation):
            yield OddValue(day, measure, seen, expected)


def _often_has_none(sums: Sums, day: date, begun: date) -> bool:
    """Whether so many days before had no figure that one more is none to be told of.

    Days of the week that mostly have none are left out: on these the shop is closed.
    """
    before = [day - timedelta(days=number) for number in range(1, 7 * WEEKS + 1)]
    weekdays: list[list[bool]] = [[] for _ in range(7)]
    for each in before:
        if each >= begun:
            weekdays[each.weekday()].append(bool(sums.get(each)))
    same = weekdays[day.weekday()]
    open_days = [had for weekday in weekdays if 2 * sum(weekday) >= len(weekday) for had in weekday]
    return same.count(False) > _OFTEN_SAME * len(same) or open_days.count(False) > _OFTEN * len(open_days)


def _sums(
    marts: Sequence[Restated], judged: Sequence[date], execute: Execute
) -> Mapping[tuple[str, str], Sums]:
    """The watched figures by mart, measure and day: all of them in one query."""
    first, last = judged[0] - timedelta(weeks=WEEKS), judged[-1]
    queries = [
        f"select {text(mart.table)} as mart, {text(measure)} as measure, {mart.day} as figure_day,"
        f" cast(sum({measure}) as decimal(38, 6)) as figure"
        f" from {mart.table} where {mart.where} and {mart.day} between date '{first}' and date '{last}'"
        f" group by {mart.day}"
        for mart in marts
        for measure in mart.usual
    ]
    found: dict[tuple[str, str], dict[date, Decimal]] = {}
    for mart, measure, day, figure in execute(" union all ".join(queries)):
        found.setdefault((mart, measure), {})[day] = figure or Decimal(0)
    return found
