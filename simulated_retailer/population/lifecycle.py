"""When customers come and go, and where they live meanwhile."""

from __future__ import annotations

import numpy as np

from simulated_retailer.engine.randomness import weighted
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Ints, Period, whole_seconds
from simulated_retailer.population.geography import city_weights, first_and_last_city_of_country
from simulated_retailer.population.personas import habit

_REGISTERED_BEFORE = 0.6
_DAYS_OF_REGISTERING_BEFORE = 900
_MOVING = 0.04


def registrations(period: Period, size: int, draws: np.random.Generator) -> Ints:
    """When `size` customers first come: most before the period, the others evenly within it."""
    before = draws.random(size) < _REGISTERED_BEFORE
    spread = draws.random(size)
    days = np.where(before, (spread - 1) * _DAYS_OF_REGISTERING_BEFORE, spread * period.days)
    return period.begin + whole_seconds(days)


def ends(period: Period, registered: Ints, persona: Ints, draws: np.random.Generator) -> Ints:
    """When each stops buying; NEVER if not within the period."""
    life = draws.exponential(habit("days_until_churn")[persona])
    stops = np.maximum(registered, period.begin) + whole_seconds(life)
    return np.where(stops < period.end, stops, NEVER)


def homes(period: Period, registered: Ints, draws: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """First city, second city (of the same country), and when each moves from one to the other."""
    size = len(registered)
    city = weighted(draws, city_weights(), size)
    first, last = first_and_last_city_of_country()
    next_city = draws.integers(first[city], last[city], endpoint=True)
    earliest = np.maximum(registered, period.begin)
    wait = whole_seconds(draws.random(size) * (period.end - earliest) / DAY)
    moves = np.where(draws.random(size) < _MOVING, earliest + wait + SECOND, NEVER)
    return city, next_city, moves
