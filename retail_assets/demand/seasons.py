"""What the weeks ahead were like a year before, of each category: so few numbers that Python counts them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from retail_assets.demand.catalog import HORIZON
from retail_assets.demand.methods import ORIGINS, SMOOTHINGS, YEAR, Smoothing

FEWEST_WEEKS = 8
"""Weeks that must be known before the end of the year before."""
PIECES = 50
"""A season of so many pieces counts half: fewer say little."""
LEAST, MOST = 0.2, 5.0


@dataclass(frozen=True)
class Weeks:
    """The weeks of a category by age: pieces and days of all its series together."""

    quantity: Mapping[int, float]
    days: Mapping[int, float]


def weeks_by_category(rows: pa.Table) -> dict[str, Weeks]:
    """The weeks of each category, of rows category, age, quantity, days."""
    found: dict[str, Weeks] = {}
    for row in rows.to_pylist():
        weeks = found.setdefault(row["category"], Weeks({}, {}))
        weeks.quantity[int(row["age"])] = float(row["quantity"])  # type: ignore[index]
        weeks.days[int(row["age"])] = float(row["days"])  # type: ignore[index]
    return found


def seasons(categories: Mapping[str, Weeks]) -> pa.Table:
    """Of each category, origin and week ahead, what each smoothing's level is multiplied by."""
    rows = list(_rows(categories))
    types = {"category": pa.string(), "origin": pa.int64(), "weeks_ahead": pa.int64()}
    types |= {each.column: pa.float64() for each in SMOOTHINGS}
    return pa.table({name: pa.array([row[name] for row in rows], type_) for name, type_ in types.items()})


def _rows(categories: Mapping[str, Weeks]) -> Iterator[dict[str, str | int | float]]:
    for category, weeks in sorted(categories.items()):
        for origin in (0, *ORIGINS):
            levels = {each: _levels(weeks, origin, each) for each in SMOOTHINGS}
            for ahead in range(1, min(origin or HORIZON, HORIZON) + 1):
                yield {
                    "category": category,
                    "origin": origin,
                    "weeks_ahead": ahead,
                    **{each.column: _factor(weeks, origin - ahead, levels[each]) for each in SMOOTHINGS},
                }


def _levels(weeks: Weeks, origin: int, smoothing: Smoothing) -> list[float | None]:
    """The level one and two years before the origin, as it would have been told then."""
    return [_level(weeks, origin + years * YEAR, smoothing) for years in (1, 2)]


def _level(weeks: Weeks, since: int, smoothing: Smoothing) -> float | None:
    ages = [age for age in weeks.days if age >= since]
    if len(ages) < FEWEST_WEEKS:
        return None
    weights = {age: (1 - smoothing.share) ** (age - since) for age in sorted(ages)}
    days = sum(weight * weeks.days[age] for age, weight in weights.items())
    if days <= 0:
        return None
    return 7 * sum(weight * weeks.quantity[age] for age, weight in weights.items()) / days


def _factor(weeks: Weeks, target: int, levels: Sequence[float | None]) -> float:
    """How many times the level of then the weeks about the target were; 1 where they had few pieces."""
    pieces, rates, before = 0.0, 0.0, 0.0
    for years, level in enumerate(levels, 1):
        about = [
            age for age in range(target + years * YEAR - 1, target + years * YEAR + 2) if age in weeks.days
        ]
        days = sum(weeks.days[age] for age in about)
        if level is None or not about or days <= 0:
            continue
        quantity = sum(weeks.quantity[age] for age in about)
        pieces += quantity
        rates += 7 * quantity / days
        before += level
    if before <= 0:
        return 1.0
    factor = 1 + (rates / before - 1) * pieces / (pieces + PIECES)
    return round(min(max(factor, LEAST), MOST), 6)
