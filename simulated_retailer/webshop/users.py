"""The web shop's users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Ints, label, pick
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import DAY, NEVER, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.population.contact_details import (
    FIRST_NAMES,
    LAST_NAMES,
    as_typed,
    postal_codes,
    streets,
)
from simulated_retailer.population.geography import (
    CITIES,
    COUNTRY_NAME_OF_CITY,
    STATE_NAME_OF_CITY,
    near,
)
from simulated_retailer.population.people import People
from simulated_retailer.webshop.schema import WEBSHOP

_SOURCES = ("Search", "Organic", "Facebook", "Email", "Display")
_SOURCE_WEIGHTS = (70, 15, 6, 5, 4)


@dataclass(frozen=True)
class Users:
    """One value per user, in order of registering."""

    person: Ints
    """Position among the people."""
    city: Ints
    """Position in CITIES of where the user lived when registering; the web shop never asks again."""

    @property
    def number(self) -> Ints:
        """The id."""
        return np.arange(len(self.person)) + 1


def choose_users(people: People) -> Users:
    """The people the web shop knows at the end of the period."""
    known = np.flatnonzero(people.webshop_since != NEVER)
    person = known[np.argsort(people.webshop_since[known], kind="stable")]
    return Users(person, people.city_at(person, people.webshop_since[person]))


def user_table(period: Period, people: People, users: Users, seed: int) -> pa.Table:
    """users: as they registered."""
    rng = random_stream(seed, "web shop users")
    person, size = users.person, len(users.person)
    since = people.webshop_since[person]
    latitude, longitude = near(users.city, rng)
    has_email = pa.array(people.email_in_webshop[person])
    typed = as_typed(people.email.take(pa.array(person)), rng)
    return version_table(
        WEBSHOP,
        "users",
        versions(since, end=period.end),
        {
            "id": users.number,
            "first_name": pick(FIRST_NAMES, people.first[person]),
            "last_name": pick(LAST_NAMES, people.last[person]),
            "email": pc.if_else(has_email, typed, pa.scalar(None, pa.string())),
            "age": (since // DAY - people.born[person]) * 4 // 1461,
            "gender": gender_of(people, person),
            "state": pick(STATE_NAME_OF_CITY, users.city),
            "street_address": streets(rng, size),
            "postal_code": postal_codes(users.city, rng),
            "city": pick([city.name for city in CITIES], users.city),
            "country": pick(COUNTRY_NAME_OF_CITY, users.city),
            "latitude": latitude,
            "longitude": longitude,
            "traffic_source": pick(_SOURCES, weighted(rng, _SOURCE_WEIGHTS, size)),
            "created_at": since,
        },
    )


def gender_of(people: People, person: Ints) -> pa.Array:
    """F or M, of each of the given people; labels."""
    return label(("F", "M"), people.is_man[person].astype(np.int64))
