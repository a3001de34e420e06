"""Customers of the ERP: consumers, stores and their contacts, with addresses that change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Flags, Floats, Ints, pick
from simulated_retailer.engine.randomness import guids, random_stream, weighted
from simulated_retailer.engine.timestamps import NEVER, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.schema import ERP
from simulated_retailer.population.contact_details import (
    FIRST_NAMES,
    LAST_NAMES,
    as_typed,
    email_addresses,
    postal_codes,
    streets,
)
from simulated_retailer.population.geography import (
    CITIES,
    STATE_OF_CITY,
    TERRITORY_NUMBERS,
    TERRITORY_OF_CITY,
)
from simulated_retailer.population.lifecycle import churn_times, homes, registrations
from simulated_retailer.population.personas import PERSONAS, WHOLESALE, habit

_CONSUMERS_PER_STORE = 40
_MISSING_PERSON = 0.02
_STORES_WITH_CONTACT = 1 / 3
_WITHOUT_EMAIL = 0.03
_INITIALS = tuple("ABCDEFGJKLMNPRSTW")
_HOME, _MAIN_OFFICE = 2, 3
_FIRST_CUSTOMER, _FIRST_ENTITY, _FIRST_SALES_PERSON = 11_001, 301, 274

_STORE_FIRST = (
    "Alpine", "Bayside", "Birch & Co", "Blue Door", "Cascade", "Cornerstone", "Evergreen", "Fjord",
    "Four Winds", "Gable", "Harbour", "Highland", "Juniper", "Kestrel", "Lakeshore", "Lantern",
    "Meridian", "Milestone", "Northgate", "Old Mill", "Prairie", "Redwood", "Summit", "Tidewater",
    "Trailhead", "Union", "Wayfarer", "Westbrook",
)  # fmt: skip
_STORE_LAST = (
    "Camping & Home", "Department Store", "General Store", "Home & Garden", "Hardware",
    "Mercantile", "Outfitters", "Outdoor Centre", "Supply", "Trading",
)  # fmt: skip


@dataclass(frozen=True)
class Customers:
    """One value per customer, in order of registering; people and stores mixed."""

    persona: Ints
    """Position in PERSONAS."""
    registered: Ints
    stops: Ints
    """When they stop buying; NEVER if not within the simulation."""
    orders_per_year: Floats
    moves: Ints
    first_city: Ints
    """Position in CITIES until they move ..."""
    second_city: Ints
    """... and from then on."""
    has_contact: Flags
    entity: Ints
    """BusinessEntityID of the consumer or of the store."""
    person: np.ma.MaskedArray
    """PersonID: the consumer, or a store's contact."""
    person_missing: Flags
    """Whether the ERP has no row for `person`."""

    @property
    def is_store(self) -> Flags:
        found: Flags = self.persona == WHOLESALE
        return found

    @property
    def number(self) -> Ints:
        """CustomerID."""
        return _FIRST_CUSTOMER + np.arange(len(self.persona))

    def city_at(self, customer: Ints, moment: Ints) -> Ints:
        """Where each customer lives at each time, paired; positions in CITIES."""
        moved = moment >= self.moves[customer]
        return np.where(moved, self.second_city[customer], self.first_city[customer])


def sales_person(territory: Ints) -> Ints:
    """SalesPersonID of the person in charge of a territory's stores."""
    return _FIRST_SALES_PERSON + territory


def generate_customers(period: Period, consumers: int, seed: int) -> Customers:
    """`consumers` people and one store for every 40 of them."""
    stores = consumers // _CONSUMERS_PER_STORE
    size = consumers + stores
    rng = random_stream(seed, "customers")
    registered = np.sort(registrations(period, size, rng))
    persona = weighted(rng, tuple(habit("share")), size)
    is_store = rng.permutation(size) < stores
    persona[is_store] = WHOLESALE
    has_contact = is_store & (rng.random(size) < _STORES_WITH_CONTACT)
    entity = _FIRST_ENTITY + np.arange(size) + np.cumsum(has_contact) - has_contact
    has_person = ~is_store | has_contact
    first_city, second_city, moves = homes(period, registered, random_stream(seed, "homes"))
    return Customers(
        persona=persona,
        registered=registered,
        stops=churn_times(period, registered, persona, random_stream(seed, "churn")),
        orders_per_year=habit("orders_per_year")[persona] * rng.gamma(2.5, 1 / 2.5, size),
        moves=moves,
        first_city=first_city,
        second_city=second_city,
        has_contact=has_contact,
        entity=entity,
        person=np.ma.masked_array(entity + has_contact, mask=~has_person),
        person_missing=has_person & (rng.random(size) < _MISSING_PERSON),
    )


def customer_tables(period: Period, customers: Customers, people: Persons, seed: int) -> dict[str, pa.Table]:
    """Customer, Store, Person, EmailAddress, Address and BusinessEntityAddress."""
    return {
        "Customer": _customer(period, customers, seed),
        "Store": _store(period, customers, seed),
        "Person": _person(period, customers, people),
        "EmailAddress": _email_address(period, customers, people, seed),
        **_addresses(period, customers, seed),
    }


def consumer_truth(customers: Customers, people: Persons) -> pa.Table:
    """One row per ERP customer: persona, churn and the person's true name and e-mail address."""
    has_person = ~np.ma.getmaskarray(customers.person)
    of_person = pa.array(np.cumsum(has_person) - 1, mask=~has_person)
    stops = pa.array(customers.stops, mask=customers.stops == NEVER)
    return pa.table(
        {
            "CustomerID": customers.number,
            "PersonID": pa.array(customers.person.data, mask=~has_person),
            "StoreID": pa.array(customers.entity, mask=~customers.is_store),
            "Persona": pick([persona.name for persona in PERSONAS], customers.persona),
            "FirstName": pick(FIRST_NAMES, people.first).take(of_person),
            "LastName": pick(LAST_NAMES, people.last).take(of_person),
            "EmailAddress": people.known_email.take(of_person),
            "PersonIsMissing": customers.person_missing,
            "RegisteredAt": pa.array(customers.registered).view(pa.timestamp("us")),
            "StopsAt": stops.view(pa.timestamp("us")),
            "MovesAt": pa.array(customers.moves, mask=customers.moves == NEVER).view(pa.timestamp("us")),
            "StateProvinceID": STATE_OF_CITY[customers.first_city] + 1,
            "City": pick([city.name for city in CITIES], customers.first_city),
        }
    )


@dataclass(frozen=True)
class Persons:
    """One value per person that the ERP has a number for, in order of BusinessEntityID."""

    customer: Ints
    """The customer that the person is, or is the contact of."""
    entity: Ints
    first: Ints
    """Position in FIRST_NAMES."""
    last: Ints
    """Position in LAST_NAMES."""
    email: pa.Array
    """The person's clean, unique address, whether or not the ERP has it."""
    has_email: Flags
    """Whether the ERP has it."""

    @property
    def known_email(self) -> pa.Array:
        """The clean address where the ERP has it, else null."""
        return pc.if_else(pa.array(self.has_email), self.email, pa.scalar(None, pa.string()))


def generate_persons(customers: Customers, seed: int) -> Persons:
    """The people behind the customers."""
    rng = random_stream(seed, "people")
    customer = np.flatnonzero(~np.ma.getmaskarray(customers.person))
    entity = customers.person.data[customer]
    size = len(customer)
    first = rng.integers(len(FIRST_NAMES), size=size)
    last = rng.integers(len(LAST_NAMES), size=size)
    email = email_addresses(first, last, entity, rng)
    return Persons(
        customer=customer,
        entity=entity,
        first=first,
        last=last,
        email=email,
        has_email=rng.random(size) >= _WITHOUT_EMAIL,
    )


def _customer(period: Period, customers: Customers, seed: int) -> pa.Table:
    which = versions(customers.registered, customers.moves, end=period.end)
    city = customers.city_at(which.row, which.since)
    return version_table(
        ERP,
        "Customer",
        which,
        {
            "CustomerID": which.of(customers.number),
            "PersonID": which.of(customers.person),
            "StoreID": which.of(np.ma.masked_array(customers.entity, mask=~customers.is_store)),
            "TerritoryID": TERRITORY_NUMBERS[TERRITORY_OF_CITY[city]],
            "rowguid": which.of(guids(seed, "Customer", len(customers.persona))),
        },
    )


def _store(period: Period, customers: Customers, seed: int) -> pa.Table:
    store = np.flatnonzero(customers.is_store)
    rng = random_stream(seed, "stores")
    first = pick(_STORE_FIRST, rng.integers(len(_STORE_FIRST), size=len(store)))
    last = pick(_STORE_LAST, rng.integers(len(_STORE_LAST), size=len(store)))
    return version_table(
        ERP,
        "Store",
        versions(customers.registered[store], end=period.end),
        {
            "BusinessEntityID": customers.entity[store],
            "Name": pc.binary_join_element_wise(first, last, " "),
            "SalesPersonID": sales_person(TERRITORY_OF_CITY[customers.first_city[store]]),
            "rowguid": guids(seed, "Store", len(store)),
        },
    )


def _person(period: Period, customers: Customers, people: Persons) -> pa.Table:
    known = np.flatnonzero(~customers.person_missing[people.customer])
    customer = people.customer[known]
    # Every third person has a middle initial; it is not random, because nothing depends on it.
    initial = people.entity[known] % (3 * len(_INITIALS))
    return version_table(
        ERP,
        "Person",
        versions(customers.registered[customer], end=period.end),
        {
            "BusinessEntityID": people.entity[known],
            "PersonType": pick(("IN", "SC"), customers.is_store[customer].astype(np.int64)),
            "Title": None,
            "FirstName": pick(FIRST_NAMES, people.first[known]),
            "MiddleName": pick((*_INITIALS, *(None,) * 2 * len(_INITIALS)), initial),
            "LastName": pick(LAST_NAMES, people.last[known]),
        },
    )


def _email_address(period: Period, customers: Customers, people: Persons, seed: int) -> pa.Table:
    """As people typed it: some in capitals, some with a trailing blank."""
    having = np.flatnonzero(people.has_email)
    typed = as_typed(people.email.take(pa.array(having)), random_stream(seed, "e-mail as typed"))
    return version_table(
        ERP,
        "EmailAddress",
        versions(customers.registered[people.customer[having]], end=period.end),
        {
            "BusinessEntityID": people.entity[having],
            "EmailAddressID": np.arange(len(having)) + 1,
            "EmailAddress": typed,
            "rowguid": guids(seed, "EmailAddress", len(having)),
        },
    )


def _addresses(period: Period, customers: Customers, seed: int) -> dict[str, pa.Table]:
    """One address for every customer. Its row changes when they move, the link to it stays."""
    size = len(customers.persona)
    number = np.arange(size) + 1
    which = versions(customers.registered, customers.moves, end=period.end)
    city = customers.city_at(which.row, which.since)
    rng = random_stream(seed, "addresses")
    # One house for each version, so that moving within a city is still moving.
    street = streets(rng, len(city))
    postal = postal_codes(city, rng)
    return {
        "Address": version_table(
            ERP,
            "Address",
            which,
            {
                "AddressID": which.of(number),
                "AddressLine1": street,
                "AddressLine2": None,
                "City": pick([place.name for place in CITIES], city),
                "StateProvinceID": STATE_OF_CITY[city] + 1,
                "PostalCode": postal,
                "rowguid": which.of(guids(seed, "Address", size)),
            },
        ),
        "BusinessEntityAddress": version_table(
            ERP,
            "BusinessEntityAddress",
            versions(customers.registered, end=period.end),
            {
                "BusinessEntityID": customers.entity,
                "AddressID": number,
                "AddressTypeID": np.where(customers.is_store, _MAIN_OFFICE, _HOME),
                "rowguid": guids(seed, "BusinessEntityAddress", size),
            },
        ),
    }
