"""Where the retailer sells: countries, territories, states and cities, with their sales tax."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulated_retailer.engine.arrays import Floats, Ints


class Territory(NamedTuple):
    number: int
    """TerritoryID, as in AdventureWorks; the retailer is not in its other territories."""
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
    """How many of the retailer's customers live here, relative to other states."""


class City(NamedTuple):
    name: str
    state: str
    postal: str
    """Pattern of its postal codes; # stands for a digit."""
    latitude: float
    longitude: float


COUNTRIES = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "AU": "Australia",
}

TERRITORIES = (
    Territory(1, "Northwest", "US", "North America"),
    Territory(4, "Southwest", "US", "North America"),
    Territory(2, "Northeast", "US", "North America"),
    Territory(6, "Canada", "CA", "North America"),
    Territory(10, "United Kingdom", "GB", "Europe"),
    Territory(9, "Australia", "AU", "Pacific"),
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
    City("Seattle", "WA", "981##", 47.6062, -122.3321),
    City("Tacoma", "WA", "984##", 47.2529, -122.4443),
    City("Spokane", "WA", "992##", 47.6588, -117.426),
    City("Portland", "OR", "972##", 45.5152, -122.6784),
    City("Eugene", "OR", "974##", 44.0521, -123.0868),
    City("Los Angeles", "CA", "900##", 34.0522, -118.2437),
    City("San Francisco", "CA", "941##", 37.7749, -122.4194),
    City("San Diego", "CA", "921##", 32.7157, -117.1611),
    City("Sacramento", "CA", "958##", 38.5816, -121.4944),
    City("Austin", "TX", "787##", 30.2672, -97.7431),
    City("Houston", "TX", "770##", 29.7604, -95.3698),
    City("Dallas", "TX", "752##", 32.7767, -96.797),
    City("New York", "NY", "100##", 40.7128, -74.006),
    City("Buffalo", "NY", "142##", 42.8864, -78.8784),
    City("Rochester", "NY", "146##", 43.1566, -77.6088),
    City("Boston", "MA", "021##", 42.3601, -71.0589),
    City("Worcester", "MA", "016##", 42.2626, -71.8023),
    City("Philadelphia", "PA", "191##", 39.9526, -75.1652),
    City("Pittsburgh", "PA", "152##", 40.4406, -79.9959),
    City("Vancouver", "BC", "V6B #H#", 49.2827, -123.1207),
    City("Victoria", "BC", "V8W #K#", 48.4284, -123.3656),
    City("Toronto", "ON", "M5V #L#", 43.6532, -79.3832),
    City("Ottawa", "ON", "K1P #J#", 45.4215, -75.6972),
    City("Montréal", "QC", "H2Y #C#", 45.5019, -73.5674),
    City("Québec", "QC", "G1R #P#", 46.8139, -71.208),
    City("London", "ENG", "SW## 4QT", 51.5074, -0.1278),
    City("Manchester", "ENG", "M## 2LE", 53.4808, -2.2426),
    City("Bristol", "ENG", "BS## 5TR", 51.4545, -2.5879),
    City("Edinburgh", "SCT", "EH## 1AB", 55.9533, -3.1883),
    City("Glasgow", "SCT", "G## 3DF", 55.8642, -4.2518),
    City("Sydney", "NSW", "20##", -33.8688, 151.2093),
    City("Newcastle", "NSW", "23##", -32.9283, 151.7817),
    City("Melbourne", "VIC", "30##", -37.8136, 144.9631),
    City("Geelong", "VIC", "32##", -38.1499, 144.3617),
)

TERRITORY_NAMES = [territory.name for territory in TERRITORIES]
TERRITORY_NUMBERS: Ints = np.array([territory.number for territory in TERRITORIES])
STATE_CODES = [state.code for state in STATES]

STATE_OF_CITY: Ints = np.array([STATE_CODES.index(city.state) for city in CITIES])
TERRITORY_OF_STATE: Ints = np.array([TERRITORY_NAMES.index(s.territory) for s in STATES])
TERRITORY_OF_CITY: Ints = TERRITORY_OF_STATE[STATE_OF_CITY]
TAX_OF_STATE: Ints = np.array([state.tax for state in STATES])


def country_of_state(state: State) -> str:
    """The code of the country that a state is in."""
    return TERRITORIES[TERRITORY_NAMES.index(state.territory)].country


COUNTRY_OF_CITY = tuple(country_of_state(STATES[state]) for state in STATE_OF_CITY)

STATE_NAME_OF_CITY = tuple(STATES[state].name for state in STATE_OF_CITY)
COUNTRY_NAME_OF_CITY = tuple(COUNTRIES[code] for code in COUNTRY_OF_CITY)
COUNTRY_NUMBER_OF_CITY: Ints = np.array([list(COUNTRIES).index(code) for code in COUNTRY_OF_CITY])
"""Position in COUNTRIES."""


def city_weights() -> tuple[float, ...]:
    """How many customers each city has, relative to others: a state's first cities are larger."""
    rank = [[c.name for c in CITIES if c.state == city.state].index(city.name) for city in CITIES]
    return tuple(STATES[state].share / (1 + place) for state, place in zip(STATE_OF_CITY, rank, strict=True))


def first_and_last_city_of_country() -> tuple[Ints, Ints]:
    """For each city: the first and the last position in CITIES of its country's cities."""
    first = [COUNTRY_OF_CITY.index(country) for country in COUNTRY_OF_CITY]
    size = [COUNTRY_OF_CITY.count(country) for country in COUNTRY_OF_CITY]
    return np.array(first), np.array(first) + np.array(size) - 1


def near(city: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Latitude and longitude of an address in each given city, in degrees with four decimals."""
    centre = np.array([(place.latitude, place.longitude) for place in CITIES])
    moved = np.rint((centre[city] + rng.normal(0, 0.05, (len(city), 2))) * 10_000) / 10_000
    return moved[:, 0], moved[:, 1]
