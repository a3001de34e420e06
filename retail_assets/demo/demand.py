"""Demand: how likely each persona is to buy each product on each day.

One matrix of days x products per persona holds everything that moves demand: taste, season,
growth, what is on sale, and the offers. Its row sums say how many orders a day brings and its
rows what is in them, so an offer raises the sales of its own products and takes none from others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retail_assets.demo.clock import NEVER, Floats, Ints, Period
from retail_assets.demo.customers import Customers
from retail_assets.demo.offers import OFFERS, offer_on
from retail_assets.demo.personas import PERSONAS, WHOLESALE, habit
from retail_assets.demo.products import PEAK_DAY, SWING, Products

_CONSUMER_WEEK = np.array([0.88, 0.85, 0.88, 0.95, 1.12, 1.27, 1.05])
_STORE_WEEK = np.array([1.60, 1.50, 1.40, 1.30, 1.00, 0.15, 0.05])
_GROWTH_PER_YEAR = 1.12
_CHRISTMAS, _CHRISTMAS_WEIGHT, _CHRISTMAS_DAYS = 347, 0.8, 14


class _Tables:
    """Many distributions over the same outcomes, drawn from with one search."""

    def __init__(self, weights: Floats) -> None:
        """`weights`: one row per distribution, one column per outcome."""
        self._outcomes = weights.shape[1]
        edges = weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)
        edges[:, -1] = 1.0
        self._edges = (edges + np.arange(len(weights))[:, None]).ravel()

    def draw(self, row: Ints, uniform: Floats) -> Ints:
        """The outcome in each given row at which its cumulated weight passes `uniform`."""
        found = np.searchsorted(self._edges, row + uniform, side="right") - row * self._outcomes
        return np.clip(found, 0, self._outcomes - 1)


@dataclass(frozen=True)
class Demand:
    """What to expect of every persona on every day."""

    days: int
    until_day: Floats
    """personas x (days + 1): average days' worth of orders from the start until before a day."""
    _days: _Tables
    _products: _Tables

    def orders_between(self, persona: Ints, first: Ints, after: Ints) -> Floats:
        """Average days' worth of orders in `[first, after)`."""
        return self.until_day[persona, after] - self.until_day[persona, first]

    def day(self, persona: Ints, first: Ints, after: Ints, uniform: Floats) -> Ints:
        """A day in `[first, after)`, busy days more likely."""
        low = self.until_day[persona, first]
        high = self.until_day[persona, after]
        share = (low + uniform * (high - low)) / self.until_day[persona, -1]
        return np.clip(self._days.draw(persona, share), first, after - 1)

    def product(self, persona: Ints, day: Ints, uniform: Floats) -> Ints:
        """A product that the persona buys on that day."""
        return self._products.draw(persona * self.days + day, uniform)


def active_days(period: Period, who: Customers) -> tuple[Ints, Ints]:
    """For each customer: the first day they may order and the day after the last, `first <= after`.

    It begins the day after registering, so that no order precedes its customer.
    """
    first = np.clip(period.day_of(who.registered) + 1, 0, period.days)
    stops = np.where(who.stops == NEVER, period.end, who.stops)
    return first, np.clip(period.day_of(stops), first, period.days)


def expect(period: Period, who: Customers, what: Products) -> Demand:
    """The demand that these customers have for these products."""
    plain = _without_offers(period, what)
    weights = plain * _uplifts(period, who, what)
    daily = weights.sum(axis=2)
    until_day = np.concatenate([np.zeros((len(PERSONAS), 1)), daily.cumsum(axis=1)], axis=1)
    rows = weights.reshape(len(PERSONAS) * period.days, -1)
    return Demand(period.days, until_day, _Tables(daily), _Tables(rows))


def _tastes(what: Products) -> Floats:
    """personas x products: shares of demand, each row summing to 1."""
    liking = np.array([persona.tastes for persona in PERSONAS])[:, what.category]
    weights = liking * what.popularity
    return weights / weights.sum(axis=1, keepdims=True)


def _without_offers(period: Period, what: Products) -> Floats:
    """personas x days x products: demand as it would be if nothing were ever on offer."""
    day = period.day_of_year()
    from_peak = 2 * np.pi * (day[:, None] - np.array(PEAK_DAY)) / 365
    season = (1 + np.array(SWING) * np.cos(from_peak))[:, what.category]
    growth = _GROWTH_PER_YEAR ** (np.arange(period.days) / 365)
    christmas = 1 + _CHRISTMAS_WEIGHT * np.exp(-(((day - _CHRISTMAS) / _CHRISTMAS_DAYS) ** 2))
    on_sale = what.on_sale(period.midnight(np.arange(period.days)))
    week = np.array([_CONSUMER_WEEK] * WHOLESALE + [_STORE_WEEK])[:, period.weekday()]
    by_day = (growth * christmas)[:, None] * season * on_sale
    return week[:, :, None] * by_day * _tastes(what)[:, None, :]


def _uplifts(period: Period, who: Customers, what: Products) -> Floats:
    """personas x days x products: the factor by which offers raise demand.

    Personas differ in how far an offer moves them, so their factors are scaled to have the
    planted uplift as their average over everyone who could have bought.
    """
    affinity = habit("offer_affinity")
    buying = _usual_lines(period, who)[:, None] * _tastes(what)
    gain = np.array([offer.uplift - 1 for offer in OFFERS] + [0.0])
    factors = np.ones((len(PERSONAS), period.days, len(what.line)))
    for reseller in (False, True):
        personas = np.flatnonzero((np.arange(len(PERSONAS)) == WHOLESALE) == reseller)
        total = buying[personas].sum(axis=0)
        average = (affinity[personas] @ buying[personas]) / np.where(total > 0, total, 1)
        relative = affinity[personas][:, None] / np.where(average > 0, average, 1)
        factors[personas] += relative[:, None, :] * gain[offer_on(period, reseller)]
    return factors


def _usual_lines(period: Period, who: Customers) -> Floats:
    """How many lines each persona's customers together order, without offers."""
    first, after = active_days(period, who)
    yearly = np.bincount(who.persona, who.orders_per_year * (after - first), len(PERSONAS))
    return yearly * (1 + (habit("most_lines") - 1) * habit("line_chance"))
