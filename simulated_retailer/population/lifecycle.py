"""When customers register, move and stop buying, and where they live."""

from __future__ import annotations

import numpy as np

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.randomness import weighted
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period, whole_seconds
from simulated_retailer.population.geography import city_weights, first_and_last_city_of_country
from simulated_retailer.population.personas import habit

_REGISTERED_BEFORE = 0.6
_DAYS_OF_REGISTERING_BEFORE = 900
_MOVING = 0.04


def registrations(period: Period, size: int, rng: np.random.Generator) -> Ints:
    """When `size` customers register: most before the period, the others evenly within it."""
    before = rng.random(size) < _REGISTERED_BEFORE
    spread = rng.random(size)
    days = np.where(before, (spread - 1) * _DAYS_OF_REGISTERING_BEFORE, spread * period.days)
    return period.begin + whole_seconds(days)


def churn_times(period: Period, registered: Ints, persona: Ints, rng: np.random.Generator) -> Ints:
    """When each stops buying; NEVER if not within the period."""
    life = rng.exponential(habit("days_until_churn")[persona])
    stops = np.maximum(registered, period.begin) + whole_seconds(life)
    return np.where(stops < period.end, stops, NEVER)


def homes(period: Period, registered: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """First city, second city (of the same country), and when each moves from one to the other."""
    size = len(registered)
    city = weighted(rng, city_weights(), size)
    first, last = first_and_last_city_of_country()
    next_city = rng.integers(first[city], last[city], endpoint=True)
    earliest = np.maximum(registered, period.begin)
    wait = whole_seconds(rng.random(size) * (period.end - earliest) / DAY)
    moves = np.where(rng.random(size) < _MOVING, earliest + wait + SECOND, NEVER)
    return city, next_city, moves
