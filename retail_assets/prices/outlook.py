"""What is to be expected of an offer that is ahead: what sells without it, times what such offers did."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, sqrt
from typing import Any

from retail_assets.prices.kinds import NORMAL, Expected

DAYS = 56
"""Days before the end of the week in which sales without an offer tell what sells without one."""
CHUNK = 7
FEWEST_CHUNKS, FEWEST_PIECES = 3, 20
DRIFT = 0.006
"""By how much sales drift by themselves, in the logarithm: a standard deviation per day. As in mrt_offers."""
MOST = 10.0
"""No interval is said to reach further than this, in the logarithm."""


@dataclass(frozen=True)
class Sales:
    """Pieces of a product group of a channel on a day, in a country."""

    day: date
    channel: str
    country: str | None
    group: str
    category: str
    quantity: float
    net_amount: float
    margin: float | None
    is_on_offer: bool


@dataclass(frozen=True)
class Base:
    """What some product groups sell without an offer."""

    pieces: float
    """A day."""
    price: float
    margin: float | None
    """Of a piece; None if a cost is not known."""
    spread: float
    """Variance of a week's pieces, relative to the square of their mean."""
    chunks: int
    categories: Mapping[str, float]
    """Pieces of each category."""


def groups_named(text: str, groups: Iterable[str]) -> list[str]:
    """The groups that a text names, in whole words; of names within names the longest."""
    found = []
    for group in sorted(set(groups), key=lambda name: (-len(name), name)):
        pattern = rf"(?<!\w){re.escape(group)}(?!\w)"
        if re.search(pattern, text, re.IGNORECASE):
            found.append(group)
            text = re.sub(pattern, " ", text, flags=re.IGNORECASE)
    return sorted(found)


def base_of(
    sales: Sequence[Sales], channel: str, country: str | None, groups: Sequence[str], end: date
) -> Base | None:
    """What the groups sell; None if there is too little without an offer in the days before `end`."""
    of_channel = [
        each for each in sales if each.channel == channel and (country is None or each.country == country)
    ]
    rows = [each for each in of_channel if each.group in groups]
    if not rows:
        return None
    first = min(each.day for each in of_channel)
    spoilt = {each.day for each in rows if each.is_on_offer}
    days = [
        day
        for back in range(1, DAYS + 1)
        if (day := end - timedelta(days=back)) >= first and day not in spoilt
    ]
    plain = [each for each in rows if each.day not in spoilt]
    pieces = sum(each.quantity for each in plain)
    chunks: dict[int, list[date]] = {}
    for day in days:
        chunks.setdefault(((end - day).days - 1) // CHUNK, []).append(day)
    by_day: dict[date, float] = {}
    for each in plain:
        by_day[each.day] = by_day.get(each.day, 0.0) + each.quantity
    rates = [
        sum(by_day.get(day, 0.0) for day in chunk) / len(chunk)
        for chunk in chunks.values()
        if len(chunk) > CHUNK // 2
    ]
    if len(rates) < FEWEST_CHUNKS or pieces < FEWEST_PIECES:
        return None
    mean = sum(rates) / len(rates)
    categories: dict[str, float] = {}
    for each in plain:
        categories[each.category] = categories.get(each.category, 0.0) + each.quantity
    margins = [each.margin for each in plain]
    return Base(
        pieces=pieces / len(days),
        price=sum(each.net_amount for each in plain) / pieces,
        margin=None if None in margins else sum(each for each in margins if each is not None) / pieces,
        spread=sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1) / mean**2,
        chunks=len(rates),
        categories=categories,
    )


def outlook(
    base: Base, uplift: Expected, discount: float, take_up: float, days: int, days_ahead: float
) -> Mapping[str, Any]:
    """Figures of an offer of so many days, whose middle is so many days ahead.

    Pieces and uplift vary independently, in logarithms; amounts by the delta method.
    """
    error = min(uplift.error, MOST / NORMAL)
    times = exp(min(max(uplift.log_uplift, -MOST), MOST))
    without = base.pieces * days
    base_error = sqrt(base.spread * (CHUNK / days + 1 / base.chunks) + (DRIFT * (days_ahead + DAYS / 2)) ** 2)
    both = sqrt(error**2 + base_error**2)
    pieces = without * times
    given = take_up * discount * base.price
    figures: dict[str, Any] = {
        "uplift": times,
        "uplift_low": times * exp(-NORMAL * error),
        "uplift_high": times * exp(NORMAL * error),
        "quantity": pieces,
        "quantity_low": pieces * exp(-NORMAL * both),
        "quantity_high": pieces * exp(NORMAL * both),
        "quantity_without": without,
        "discount_cost": given * pieces,
        "discount_cost_low": given * pieces * exp(-NORMAL * both),
        "discount_cost_high": given * pieces * exp(NORMAL * both),
    }
    if base.margin is not None:
        piece = base.margin - given
        extra = without * (piece * times - base.margin)
        wide = NORMAL * sqrt((without * piece * times * error) ** 2 + (extra * base_error) ** 2)
        all_wide = NORMAL * abs(pieces * piece) * both
        figures |= {
            "margin": pieces * piece,
            "margin_low": pieces * piece - all_wide,
            "margin_high": pieces * piece + all_wide,
            "margin_uplift": extra,
            "margin_uplift_low": extra - wide,
            "margin_uplift_high": extra + wide,
        }
    return figures
