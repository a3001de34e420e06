"""The CRM's consumers: who they are, and how their rows move with their points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.crm.loyalty import Activities
from simulated_retailer.crm.schema import CRM
from simulated_retailer.engine.arrays import Flags, Ints, pick
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import NEVER, Period
from simulated_retailer.engine.versions import version_table, versions_of
from simulated_retailer.population.contact_details import FIRST_NAMES, LAST_NAMES, as_typed, streets
from simulated_retailer.population.geography import CITIES, COUNTRY_NAME_OF_CITY, STATE_NAME_OF_CITY, near
from simulated_retailer.population.people import People
from simulated_retailer.population.subscriptions import Subscriptions
from simulated_retailer.webshop.users import gender_of


@dataclass(frozen=True)
class Consumers:
    """One value per consumer, in order of joining."""

    person: Ints
    """Position among the people."""
    of_person: Ints
    """Per person: the position here, -1 if none."""

    @property
    def number(self) -> Ints:
        """consumer_id."""
        return np.arange(len(self.person)) + 1

    def number_of_person(self) -> Ints:
        """consumer_id of each person, 0 for people the CRM never knew."""
        return self.of_person + 1


def choose_consumers(people: People) -> Consumers:
    """The people the CRM knows at the end of the period, or knew before."""
    known = np.flatnonzero(people.crm_since != NEVER)
    person = known[np.argsort(people.crm_since[known], kind="stable")]
    of_person = np.full(len(people.persona), -1)
    of_person[person] = np.arange(len(person))
    return Consumers(person, of_person)


def consumer_table(
    period: Period,
    people: People,
    consumers: Consumers,
    subscribed: Subscriptions,
    activities: Activities,
    seed: int,
) -> pa.Table:
    """consumers; a row changes when the consumer moves, unsubscribes, or earns or uses points.

    Consumers who are erased have no row from then on.
    """
    person, size = consumers.person, len(consumers.person)
    since = people.crm_since[person]
    once = np.arange(size)
    which = versions_of(
        np.concatenate([once, once, once, activities.consumer]),
        np.concatenate([since, people.moves[person], subscribed.until[person], activities.moment]),
        created=since,
        removed=people.erased[person],
        end=period.end,
    )
    of = which.of(person)
    city = people.city_at(of, which.since)
    moved: Flags = which.since >= people.moves[of]
    rng = random_stream(seed, "consumers")
    latitude, longitude = near(np.concatenate([people.first_city[person], people.second_city[person]]), rng)
    street = streets(rng, 2 * size)
    home = np.where(moved, size + which.row, which.row)
    return version_table(
        CRM,
        "consumers",
        which,
        {
            "consumer_id": which.of(consumers.number),
            "consumer_name": which.of(_names(people, person)),
            "consumer_email": which.of(_emails(people, person, rng)),
            "phone_number": which.of(_phones(size, rng)),
            "date_of_birth": which.of(people.born[person]),
            "gender": gender_of(people, of),
            "address": street.take(pa.array(home)),
            "city": pick([place.name for place in CITIES], city),
            "state": pick(STATE_NAME_OF_CITY, city),
            "country": pick(COUNTRY_NAME_OF_CITY, city),
            "latitude": latitude[home],
            "longitude": longitude[home],
            "loyalty_points": activities.balance_at(which.row, which.since),
            "marketing_opt_in": subscribed.at(of, which.since),
            "created_at": which.of(since),
        },
    )


def _names(people: People, person: Ints) -> pa.Array:
    first, last = pick(FIRST_NAMES, people.first[person]), pick(LAST_NAMES, people.last[person])
    return pc.binary_join_element_wise(first, last, " ")


def _emails(people: People, person: Ints, rng: np.random.Generator) -> pa.Array:
    typed = as_typed(people.email.take(pa.array(person)), rng)
    return pc.if_else(pa.array(people.email_in_crm[person]), typed, pa.scalar(None, pa.string()))


def _phones(size: int, rng: np.random.Generator) -> pa.Array:
    number = pa.array(rng.integers(10**6, 10**7, size)).cast(pa.string())
    return pc.binary_join_element_wise("+1-555", number, "-")
