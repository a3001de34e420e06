"""Everyone who is a customer of the ERP, a user of the web shop or a consumer of the CRM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Flags, Floats, Ints, pick
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import DAY, NEVER, Period, whole_seconds
from simulated_retailer.erp.customers import Customers, Persons
from simulated_retailer.population.contact_details import FIRST_NAMES, IS_MAN, LAST_NAMES, email_addresses
from simulated_retailer.population.lifecycle import churn_times, homes, registrations
from simulated_retailer.population.personas import PERSONAS, habit

_OTHERS = 0.35
"""People the ERP does not know, relative to its consumers."""
_OTHERS_IN_WEBSHOP = 0.85
_IN_WEBSHOP, _IN_CRM, _OTHER_IN_CRM = 0.45, 0.65, 0.50
"""Of the ERP's people; of them; of the others who use the web shop."""
_DAYS_UNTIL_NEXT_SYSTEM = 200
_WITHOUT_EMAIL = 0.02
_ERASED = 0.006
_YOUNGEST, _AGES = 18, 62


@dataclass(frozen=True)
class People:
    """One value per person: first the ERP's, in order of BusinessEntityID, then the others."""

    customer: Ints
    """Position among the ERP's customers, -1 if not one."""
    persona: Ints
    registered: Ints
    """When the first system learned of the person."""
    stops: Ints
    orders_per_year: Floats
    moves: Ints
    first_city: Ints
    second_city: Ints
    first: Ints
    """Position in FIRST_NAMES."""
    last: Ints
    """Position in LAST_NAMES."""
    born: Ints
    """In days since 1970."""
    email: pa.Array
    """Clean, unique, and everybody's."""
    webshop_since: Ints
    """When the person became a user of the web shop; NEVER if not."""
    crm_since: Ints
    erased: Ints
    """When the CRM erased the person, who had asked for it; NEVER if not."""
    email_in_erp: Flags
    email_in_webshop: Flags
    email_in_crm: Flags
    """Whether each system that knows the person has the address."""

    @property
    def is_man(self) -> Flags:
        return IS_MAN[self.first]

    def city_at(self, person: Ints, moment: Ints) -> Ints:
        """Where each person lives at each time, paired; positions in CITIES."""
        moved = moment >= self.moves[person]
        return np.where(moved, self.second_city[person], self.first_city[person])


def generate_people(period: Period, customers: Customers, persons: Persons, seed: int) -> People:
    """The ERP's people, and people that only the web shop or the CRM knows."""
    known = persons.customer
    others = round(_OTHERS * np.count_nonzero(~customers.is_store))
    rng = random_stream(seed, "other people")
    registered = np.sort(registrations(period, others, rng))
    persona = weighted(rng, tuple(habit("share")), others)
    first = rng.integers(len(FIRST_NAMES), size=others)
    last = rng.integers(len(LAST_NAMES), size=others)
    number = persons.entity.max(initial=0) + 1 + np.arange(others)
    email = email_addresses(first, last, number, rng)
    rate = habit("orders_per_year")[persona] * rng.gamma(2.5, 1 / 2.5, others)
    first_city, second_city, moves = homes(period, registered, rng)
    stops = churn_times(period, registered, persona, rng)

    registered = np.concatenate([customers.registered[known], registered])
    size = len(registered)
    is_person = np.concatenate([~customers.is_store[known], np.ones(others, bool)])
    webshop, crm, erased = _memberships(period, registered, len(known), is_person, seed)
    rng = random_stream(seed, "what systems know of people")
    age = _YOUNGEST * 365 + np.floor(_AGES * 365 * rng.beta(1.6, 2.2, size)).astype(np.int64)
    return People(
        customer=np.concatenate([known, np.full(others, -1)]),
        persona=np.concatenate([customers.persona[known], persona]),
        registered=registered,
        stops=np.concatenate([customers.stops[known], stops]),
        orders_per_year=np.concatenate([customers.orders_per_year[known], rate]),
        moves=np.concatenate([customers.moves[known], moves]),
        first_city=np.concatenate([customers.first_city[known], first_city]),
        second_city=np.concatenate([customers.second_city[known], second_city]),
        first=np.concatenate([persons.first, first]),
        last=np.concatenate([persons.last, last]),
        born=registered // DAY - age,
        email=pa.concat_arrays([persons.email, email]),
        webshop_since=webshop,
        crm_since=crm,
        erased=erased,
        email_in_erp=np.concatenate([persons.has_email, np.zeros(others, bool)]),
        email_in_webshop=(webshop != NEVER) & (rng.random(size) >= _WITHOUT_EMAIL),
        email_in_crm=(crm != NEVER) & (rng.random(size) >= _WITHOUT_EMAIL),
    )


def _memberships(
    period: Period, registered: Ints, in_erp: int, is_person: Flags, seed: int
) -> tuple[Ints, Ints, Ints]:
    """When each joins the web shop and the CRM and is erased from it; the first `in_erp` are the ERP's."""
    rng = random_stream(seed, "memberships")
    size = len(registered)
    is_other = np.arange(size) >= in_erp
    in_webshop = is_person & (rng.random(size) < np.where(is_other, _OTHERS_IN_WEBSHOP, _IN_WEBSHOP))
    in_crm = is_person & (rng.random(size) < np.where(is_other, _OTHER_IN_CRM, _IN_CRM))
    in_crm |= is_other & ~in_webshop
    later = registered + whole_seconds(rng.random((2, size)) * _DAYS_UNTIL_NEXT_SYSTEM)
    webshop = np.where(is_other, registered, later[0])
    crm = np.where(is_other & ~in_webshop, registered, later[1])
    crm = np.where(in_crm & (crm < period.end), crm, NEVER)
    known_from = np.clip(crm, period.begin, period.end)
    erased = known_from + whole_seconds(rng.random(size) * (period.end - known_from) / DAY)
    is_erased = (crm != NEVER) & (rng.random(size) < _ERASED) & (erased > known_from)
    return (
        np.where(in_webshop & (webshop < period.end), webshop, NEVER),
        crm,
        np.where(is_erased, erased, NEVER),
    )


def people_truth(people: People, customer_id: Ints, user_id: Ints, consumer_id: Ints) -> pa.Table:
    """One row per person: which systems know them, by which number and clean address.

    `matchable`: at least two systems know the person and have the address. The three numbers
    have one value per person, 0 where the system does not know them.
    """
    having = [people.email_in_erp, people.email_in_webshop, people.email_in_crm]
    missing = pa.scalar(None, pa.string())
    erp, webshop, crm = (pc.if_else(pa.array(has), people.email, missing) for has in having)
    return pa.table(
        {
            "person": np.arange(len(people.persona)) + 1,
            "customer_id": pa.array(customer_id, mask=customer_id == 0),
            "webshop_user_id": pa.array(user_id, mask=user_id == 0),
            "consumer_id": pa.array(consumer_id, mask=consumer_id == 0),
            "persona": pick([persona.name for persona in PERSONAS], people.persona),
            "churned_on": _moments(people.stops).cast(pa.date32()),
            "erased_at": _moments(people.erased),
            "email": people.email,
            "erp_email": erp,
            "webshop_email": webshop,
            "crm_email": crm,
            "matchable": np.sum(having, axis=0) >= 2,
        }
    )


def _moments(moments: Ints) -> pa.Array:
    return pa.array(moments, mask=moments == NEVER).view(pa.timestamp("us"))
