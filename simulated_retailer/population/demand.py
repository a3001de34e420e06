"""Demand: how likely each group of customers is to buy each product on each day.

One matrix of groups x days x products holds everything that moves demand: taste, season, growth,
what is on sale, and the offers. Its sums over products say how many orders a day brings and its
rows what is in them, so an offer raises the sales of its own products and takes none from others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Floats, Ints
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period
from simulated_retailer.population.personas import PERSONAS, habit

PEAK_DAY = (190, 345, 125, 170)
"""The day of the year on which each category of products sells best ..."""
SWING = (0.45, 0.30, 0.65, 0.25)
"""... and by how much it then exceeds its yearly average."""
_GROWTH_PER_YEAR = 1.12
_CHRISTMAS, _CHRISTMAS_WEIGHT, _CHRISTMAS_DAYS = 347, 0.8, 14


class Distributions:
    """Many distributions over the same outcomes, drawn from with one search."""

    def __init__(self, weights: Floats) -> None:
        """`weights`: one row per distribution, one column per outcome."""
        self._outcomes = weights.shape[1]
        edges = weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)
        edges[:, -1] = 1.0
        self._edges = (edges + np.arange(len(weights))[:, None]).ravel()

    def draw(self, row: Ints, uniform: Floats) -> Ints:
        """The outcome of each distribution `row` at which its cumulated weight passes `uniform`."""
        found = np.searchsorted(self._edges, row + uniform, side="right") - row * self._outcomes
        outcome: Ints = np.clip(found, 0, self._outcomes - 1)
        return outcome


@dataclass(frozen=True)
class Demand:
    """What to expect of every group on every day."""

    days: int
    until_day: Floats
    """groups x (days + 1): average days' worth of orders from the start until before a day."""
    _days: Distributions
    _products: Distributions

    @classmethod
    def of(cls, weights: Floats) -> Demand:
        """`weights`: groups x days x products; 1 is an average day's worth of orders."""
        groups, days, products = weights.shape
        daily = weights.sum(axis=2)
        until_day = np.concatenate([np.zeros((groups, 1)), daily.cumsum(axis=1)], axis=1)
        return cls(
            days, until_day, Distributions(daily), Distributions(weights.reshape(groups * days, products))
        )

    def orders_between(self, group: Ints, first: Ints, after: Ints) -> Floats:
        """Average days' worth of orders in `[first, after)`."""
        return self.until_day[group, after] - self.until_day[group, first]

    def day(self, group: Ints, first: Ints, after: Ints, uniform: Floats) -> Ints:
        """A day in `[first, after)`, busy days more likely."""
        low = self.until_day[group, first]
        high = self.until_day[group, after]
        share = (low + uniform * (high - low)) / self.until_day[group, -1]
        return np.clip(self._days.draw(group, share), first, after - 1)

    def product(self, group: Ints, day: Ints, uniform: Floats) -> Ints:
        """A product that the group buys on that day."""
        return self._products.draw(group * self.days + day, uniform)


def active_days(period: Period, registered: Ints, stops: Ints) -> tuple[Ints, Ints]:
    """For each customer: the first day they may order, and the day after the last; `first <= after`.

    It begins the day after registering, so that no order precedes its customer.
    """
    first = np.clip(period.day_of(registered) + 1, 0, period.days)
    last = np.where(stops == NEVER, period.end, stops)
    return first, np.clip(period.day_of(last), first, period.days)


def tastes(category: Ints, popularity: Floats) -> Floats:
    """personas x products: shares of demand, each row summing to 1."""
    liking = np.array([persona.tastes for persona in PERSONAS])[:, category]
    weights = liking * popularity
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def seasons(period: Period, category: Ints) -> Floats:
    """days x products: what season, growth and Christmas make of an average day."""
    day = period.day_of_year()
    from_peak = 2 * np.pi * (day[:, None] - np.array(PEAK_DAY)) / 365
    season: Floats = (1 + np.array(SWING) * np.cos(from_peak))[:, category]
    growth = _GROWTH_PER_YEAR ** (np.arange(period.days) / 365)
    christmas = 1 + _CHRISTMAS_WEIGHT * np.exp(-(((day - _CHRISTMAS) / _CHRISTMAS_DAYS) ** 2))
    return (growth * christmas)[:, None] * season


def lines_of_an_order() -> Floats:
    """How many lines an order of each persona has on average."""
    return 1 + (habit("most_lines") - 1) * habit("line_chance")


def moments(period: Period, day: Ints, hour: Ints, rng: np.random.Generator) -> Ints:
    """A second of each given hour of each given day."""
    return period.begin + day * DAY + (hour * 3600 + rng.integers(3600, size=len(day))) * SECOND
