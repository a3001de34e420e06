"""The distribution centers, and which one ships where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints, pick
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.inventory.schema import INVENTORY
from simulated_retailer.population.geography import (
    CITIES,
    COUNTRY_NAME_OF_CITY,
    STATE_NAME_OF_CITY,
    TERRITORY_NAMES,
)


class Center(NamedTuple):
    name: str
    city: int
    """Position in CITIES."""
    territories: tuple[str, ...]
    """The territories for which it is the nearest."""


def _city(name: str) -> int:
    return [city.name for city in CITIES].index(name)


CENTERS = (
    Center("Tacoma Distribution Center", _city("Tacoma"), ("Northwest", "Southwest")),
    Center("Philadelphia Distribution Center", _city("Philadelphia"), ("Northeast", "Canada")),
    Center("Manchester Distribution Center", _city("Manchester"), ("United Kingdom",)),
    Center("Melbourne Distribution Center", _city("Melbourne"), ("Australia",)),
)
"""In order of their numbers, which start at 1."""

CENTER_OF_TERRITORY: Ints = np.array(
    [
        next(number for number, center in enumerate(CENTERS) if name in center.territories)
        for name in TERRITORY_NAMES
    ]
)


def center_table(period: Period) -> pa.Table:
    """distribution_centers: set up once, never changed."""
    city = np.array([center.city for center in CENTERS])
    return version_table(
        INVENTORY,
        "distribution_centers",
        versions(np.full(len(CENTERS), period.founded), end=period.end),
        {
            "distribution_center_id": np.arange(len(CENTERS)) + 1,
            "name": pa.array([center.name for center in CENTERS]),
            "city": pick([place.name for place in CITIES], city),
            "state": pick(STATE_NAME_OF_CITY, city),
            "country": pick(COUNTRY_NAME_OF_CITY, city),
            "latitude": np.array([CITIES[place].latitude for place in city]),
            "longitude": np.array([CITIES[place].longitude for place in city]),
        },
    )
