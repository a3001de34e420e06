"""Personas: the few kinds of customer, whose habits drive everything else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulated_retailer.engine.arrays import Floats


class Persona(NamedTuple):
    """One kind of customer; rates are those of its average member."""

    name: str
    share: float
    """Share of the consumers; 0 for the wholesale persona, which every store has."""
    orders_per_year: float
    most_lines: int
    """An order's largest number of drawn lines; its first is certain."""
    line_chance: float
    """The chance of each further line."""
    extra_pieces: float
    """Average pieces of a line beyond the first."""
    offer_affinity: float
    """How strongly offers move this persona, relative to others."""
    return_rate: float
    """Share of the shipped lines that are returned."""
    days_until_churn: float
    """Average number of days, from the start or from registering, until they stop buying."""
    tastes: tuple[float, float, float, float]
    """Liking of each product category, in the catalogue's order, relative to the others."""


PERSONAS = (
    Persona("loyal", 0.22, 14.0, 4, 0.85, 0.10, 0.8, 0.03, 4000, (1.0, 1.3, 1.0, 0.9)),
    Persona("bargain hunter", 0.18, 7.0, 2, 0.20, 2.0, 2.4, 0.10, 1800, (0.9, 1.1, 1.1, 1.0)),
    Persona("occasional", 0.36, 2.6, 1, 0.0, 0.05, 0.9, 0.06, 1500, (0.8, 1.0, 1.3, 0.9)),
    Persona("lapsing", 0.14, 10.0, 4, 0.85, 1.5, 0.6, 0.07, 130, (1.0, 1.0, 0.8, 1.2)),
    Persona("adventurer", 0.10, 5.0, 12, 0.80, 0.05, 0.5, 0.05, 2500, (2.6, 0.4, 0.3, 2.0)),
    Persona("wholesale", 0.0, 26.0, 12, 0.45, 7.0, 1.0, 0.015, 5000, (1.0, 1.0, 1.0, 1.0)),
)

WHOLESALE = len(PERSONAS) - 1
"""The position of the stores' persona; all others are consumers'."""

CONSUMER_WEEK = np.array([0.88, 0.85, 0.88, 0.95, 1.12, 1.27, 1.05])
"""How busy each day of the week is, Monday to Sunday, with people ..."""
STORE_WEEK = np.array([1.60, 1.50, 1.40, 1.30, 1.00, 0.15, 0.05])
"""... and with stores."""
CONSUMER_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 13, 15, 16, 18, 16, 14, 14, 15, 18, 22, 26, 27, 21,
                  12, 6)  # fmt: skip
STORE_HOURS = (0, 0, 0, 0, 0, 0, 1, 6, 18, 25, 24, 18, 10, 16, 20, 18, 12, 5, 1, 0, 0, 0, 0, 0)


def habit(name: str) -> Floats:
    """A field of `Persona`, as an array with one value per persona."""
    return np.array([getattr(persona, name) for persona in PERSONAS], dtype=np.float64)
