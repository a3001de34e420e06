"""Where the retailer sells: countries, territories, states and cities, with their sales tax."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from retail_assets.demo.chance import guids
from retail_assets.demo.clock import Ints, Period
from retail_assets.demo.versions import version_table, versions


class Territory(NamedTuple):
    name: str
    country: str
    group: str


class State(NamedTuple):
    code: str
    name: str
    territory: str
    tax: int
    """Sales tax in hundredths of a per cent."""
    share: float
    """How much of the retailer's custom lives here, relative to other states."""


class City(NamedTuple):
    name: str
    state: str
    postal: str
    """Pattern of its postal codes; # stands for a digit."""


COUNTRIES = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "AU": "Australia",
}

TERRITORIES = (
    Territory("Northwest", "US", "North America"),
    Territory("Southwest", "US", "North America"),
    Territory("Northeast", "US", "North America"),
    Territory("Canada", "CA", "North America"),
    Territory("United Kingdom", "GB", "Europe"),
    Territory("Australia", "AU", "Pacific"),
)

STATES = (
    State("WA", "Washington", "Northwest", 880, 9),
    State("OR", "Oregon", "Northwest", 0, 5),
    State("CA", "California", "Southwest", 725, 16),
    State("TX", "Texas", "Southwest", 825, 8),
    State("NY", "New York", "Northeast", 888, 12),
    State("MA", "Massachusetts", "Northeast", 625, 6),
    State("PA", "Pennsylvania", "Northeast", 600, 5),
    State("BC", "British Columbia", "Canada", 1200, 6),
    State("ON", "Ontario", "Canada", 1300, 7),
    State("QC", "Quebec", "Canada", 1498, 4),
    State("ENG", "England", "United Kingdom", 2000, 11),
    State("SCT", "Scotland", "United Kingdom", 2000, 3),
    State("NSW", "New South Wales", "Australia", 1000, 5),
    State("VIC", "Victoria", "Australia", 1000, 3),
)

CITIES = (
    City("Seattle", "WA", "981##"),
    City("Tacoma", "WA", "984##"),
    City("Spokane", "WA", "992##"),
    City("Portland", "OR", "972##"),
    City("Eugene", "OR", "974##"),
    City("Los Angeles", "CA", "900##"),
    City("San Francisco", "CA", "941##"),
    City("San Diego", "CA", "921##"),
    City("Sacramento", "CA", "958##"),
    City("Austin", "TX", "787##"),
    City("Houston", "TX", "770##"),
    City("Dallas", "TX", "752##"),
    City("New York", "NY", "100##"),
    City("Buffalo", "NY", "142##"),
    City("Rochester", "NY", "146##"),
    City("Boston", "MA", "021##"),
    City("Worcester", "MA", "016##"),
    City("Philadelphia", "PA", "191##"),
    City("Pittsburgh", "PA", "152##"),
    City("Vancouver", "BC", "V6B #H#"),
    City("Victoria", "BC", "V8W #K#"),
    City("Toronto", "ON", "M5V #L#"),
    City("Ottawa", "ON", "K1P #J#"),
    City("Montréal", "QC", "H2Y #C#"),
    City("Québec", "QC", "G1R #P#"),
    City("London", "ENG", "SW## 4QT"),
    City("Manchester", "ENG", "M## 2LE"),
    City("Bristol", "ENG", "BS## 5TR"),
    City("Edinburgh", "SCT", "EH## 1AB"),
    City("Glasgow", "SCT", "G## 3DF"),
    City("Sydney", "NSW", "20##"),
    City("Newcastle", "NSW", "23##"),
    City("Melbourne", "VIC", "30##"),
    City("Geelong", "VIC", "32##"),
)

_TERRITORY_NAMES = [territory.name for territory in TERRITORIES]
_STATE_CODES = [state.code for state in STATES]

STATE_OF_CITY: Ints = np.array([_STATE_CODES.index(city.state) for city in CITIES])
TERRITORY_OF_STATE: Ints = np.array([_TERRITORY_NAMES.index(s.territory) for s in STATES])
TERRITORY_OF_CITY: Ints = TERRITORY_OF_STATE[STATE_OF_CITY]
TAX_OF_STATE: Ints = np.array([state.tax for state in STATES])


def country_of_state(state: State) -> str:
    """The code of the country that a state is in."""
    return TERRITORIES[_TERRITORY_NAMES.index(state.territory)].country


COUNTRY_OF_CITY = tuple(country_of_state(STATES[state]) for state in STATE_OF_CITY)


def city_weights() -> tuple[float, ...]:
    """How many customers each city has, relative to others: a state's first cities are larger."""
    rank = [[c.name for c in CITIES if c.state == city.state].index(city.name) for city in CITIES]
    return tuple(STATES[state].share / (1 + place) for state, place in zip(STATE_OF_CITY, rank, strict=True))


def first_and_last_city_of_country() -> tuple[Ints, Ints]:
    """For each city: the first and the last position in CITIES of its country's cities."""
    first = [COUNTRY_OF_CITY.index(country) for country in COUNTRY_OF_CITY]
    size = [COUNTRY_OF_CITY.count(country) for country in COUNTRY_OF_CITY]
    return np.array(first), np.array(first) + np.array(size) - 1


def geography_tables(period: Period, seed: int) -> dict[str, pa.Table]:
    """CountryRegion, SalesTerritory and StateProvince: set up once, never changed."""

    def table(name: str, size: int, **columns: object) -> pa.Table:
        which = versions(np.full(size, period.founded), end=period.end)
        return version_table(name, which, columns)

    return {
        "CountryRegion": table(
            "CountryRegion",
            len(COUNTRIES),
            CountryRegionCode=pa.array(list(COUNTRIES)),
            Name=pa.array(list(COUNTRIES.values())),
        ),
        "SalesTerritory": table(
            "SalesTerritory",
            len(TERRITORIES),
            TerritoryID=np.arange(len(TERRITORIES)) + 1,
            Name=pa.array(_TERRITORY_NAMES),
            CountryRegionCode=pa.array([territory.country for territory in TERRITORIES]),
            Group=pa.array([territory.group for territory in TERRITORIES]),
            SalesYTD=0,
            SalesLastYear=0,
            CostYTD=0,
            CostLastYear=0,
            rowguid=guids(seed, "SalesTerritory", len(TERRITORIES)),
        ),
        "StateProvince": table(
            "StateProvince",
            len(STATES),
            StateProvinceID=np.arange(len(STATES)) + 1,
            StateProvinceCode=pa.array(_STATE_CODES),
            CountryRegionCode=pa.array([country_of_state(state) for state in STATES]),
            IsOnlyStateProvinceFlag=False,
            Name=pa.array([state.name for state in STATES]),
            TerritoryID=TERRITORY_OF_STATE + 1,
            rowguid=guids(seed, "StateProvince", len(STATES)),
        ),
    }
