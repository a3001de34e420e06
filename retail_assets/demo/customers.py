"""Who buys: people, stores and their contacts; where they live; when they come and go."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.demo.chance import chance, guids, weighted
from retail_assets.demo.clock import DAY, NEVER, SECOND, Flags, Floats, Ints, Period, whole_seconds
from retail_assets.demo.geography import (
    CITIES,
    STATE_OF_CITY,
    TERRITORY_OF_CITY,
    city_weights,
    first_and_last_city_of_country,
)
from retail_assets.demo.personas import PERSONAS, WHOLESALE, habit
from retail_assets.demo.versions import version_table, versions

_CONSUMERS_PER_STORE = 40
_REGISTERED_BEFORE = 0.6
_DAYS_OF_REGISTERING_BEFORE = 900
_MOVING = 0.04
_MISSING_PERSON = 0.02
_STORES_WITH_CONTACT = 1 / 3
_WITHOUT_EMAIL, _SHOUTED_EMAIL, _PADDED_EMAIL = 0.03, 0.04, 0.015
_HOME, _MAIN_OFFICE = 2, 3
_FIRST_CUSTOMER, _FIRST_ENTITY, _FIRST_SALES_PERSON = 11_001, 301, 274

_FIRST_NAMES = (
    "Aaliyah", "Adam", "Aisha", "Alexandra", "Amelia", "Amir", "Anna", "Ben", "Björn", "Camila",
    "Carlos", "Charlotte", "Chen", "Chloé", "Daniel", "David", "Diego", "Elena", "Eleanor",
    "Emily", "Emma", "Ethan", "Fatima", "Finn", "Florence", "George", "Grace", "Hannah",
    "Harper", "Henry", "Hiroshi", "Isla", "Ivan", "Jack", "Jacob", "Jade", "James", "Jasmine",
    "José", "Julia", "Kofi", "Laura", "Léa", "Leo", "Liam", "Lucas", "Maria", "Mason", "Maya",
    "Mei", "Michael", "Mila", "Mohammed", "Naomi", "Nia", "Noah", "Nora", "Oliver", "Olivia",
    "Omar", "Oscar", "Priya", "Rachel", "Rafael", "Ravi", "Renée", "Rosa", "Ruby", "Ryan",
    "Samuel", "Sara", "Sofia", "Theo", "Thomas", "Victoria", "William", "Yuki", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Adams", "Ahmed", "Allen", "Andersson", "Baker", "Bennett", "Bouchard", "Brown", "Campbell",
    "Carter", "Chan", "Clark", "Collins", "Cooper", "Côté", "Davies", "Diaz", "Edwards",
    "Evans", "Fischer", "Fraser", "García", "Gagnon", "Gonzalez", "Green", "Gupta", "Hall",
    "Harris", "Hernández", "Hill", "Hughes", "Ibrahim", "Jackson", "Jensen", "Johnson", "Jones",
    "Kaur", "Kelly", "Khan", "Kim", "King", "Kowalski", "Lam", "Lavoie", "Lee", "Lewis", "Li",
    "Lopez", "MacDonald", "Martin", "Mehta", "Miller", "Mitchell", "Moore", "Morgan", "Müller",
    "Murphy", "Murray", "Nakamura", "Nguyen", "Novak", "Okafor", "Olsen", "Patel", "Perez",
    "Phillips", "Reid", "Rivera", "Roberts", "Robinson", "Rossi", "Roy", "Scott", "Sharma",
    "Singh", "Smith", "Stewart", "Tanaka", "Taylor", "Thompson", "Tremblay", "Turner", "Walker",
    "Wang", "White", "Williams", "Wilson", "Wong", "Wright", "Yang", "Young", "Zhang",
)  # fmt: skip
_INITIALS = tuple("ABCDEFGJKLMNPRSTW")
_MAIL_HOSTS = ("mailbox.example", "post.example", "inbox.example", "letters.example")
_STREETS = (
    "Alder Way", "Bank Street", "Beacon Road", "Bridge Street", "Canal Street", "Castle Lane",
    "Cedar Avenue", "Church Road", "Clover Court", "College Street", "Elm Street", "Ferry Road",
    "Garden Row", "Granville Street", "Harbour View", "High Street", "Hill Road", "King Street",
    "Lake Drive", "Maple Avenue", "Market Square", "Mill Lane", "Oak Street", "Orchard Close",
    "Park Avenue", "Pine Street", "Queen Street", "River Road", "Station Road", "Union Street",
    "Valley Drive", "Victoria Terrace", "Willow Crescent", "York Street",
)  # fmt: skip
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
    """Whether the ERP lost the person that `person` points to."""

    @property
    def is_store(self) -> Flags:
        return self.persona == WHOLESALE

    @property
    def number(self) -> Ints:
        """CustomerID."""
        return _FIRST_CUSTOMER + np.arange(len(self.persona))

    def city_at(self, customer: Ints, moment: Ints) -> Ints:
        """Where each of the given customers lives at the moment given with it."""
        moved = moment >= self.moves[customer]
        return np.where(moved, self.second_city[customer], self.first_city[customer])


def sales_person(territory: Ints) -> Ints:
    """SalesPersonID of whoever looks after the stores of a territory."""
    return _FIRST_SALES_PERSON + territory


def invent_customers(period: Period, consumers: int, seed: int) -> Customers:
    """`consumers` people and one store for every 40 of them."""
    stores = consumers // _CONSUMERS_PER_STORE
    size = consumers + stores
    draws = chance(seed, "customers")
    before = draws.random(size) < _REGISTERED_BEFORE
    spread = draws.random(size)
    days = np.where(before, (spread - 1) * _DAYS_OF_REGISTERING_BEFORE, spread * period.days)
    registered = np.sort(period.begin + whole_seconds(days))
    persona = weighted(draws, tuple(habit("share")), size)
    is_store = draws.permutation(size) < stores
    persona[is_store] = WHOLESALE
    has_contact = is_store & (draws.random(size) < _STORES_WITH_CONTACT)
    entity = _FIRST_ENTITY + np.arange(size) + np.cumsum(has_contact) - has_contact
    has_person = ~is_store | has_contact
    first_city, second_city, moves = _homes(period, registered, seed)
    return Customers(
        persona=persona,
        registered=registered,
        stops=_ends(period, registered, habit("days_until_churn")[persona], seed),
        orders_per_year=habit("orders_per_year")[persona] * draws.gamma(2.5, 1 / 2.5, size),
        moves=moves,
        first_city=first_city,
        second_city=second_city,
        has_contact=has_contact,
        entity=entity,
        person=np.ma.masked_array(entity + has_contact, mask=~has_person),
        person_missing=has_person & (draws.random(size) < _MISSING_PERSON),
    )


def _ends(period: Period, registered: Ints, average_days: Floats, seed: int) -> Ints:
    life = chance(seed, "churn").exponential(average_days)
    stops = np.maximum(registered, period.begin) + whole_seconds(life)
    return np.where(stops < period.end, stops, NEVER)


def _homes(period: Period, registered: Ints, seed: int) -> tuple[Ints, Ints, Ints]:
    """First city, second city, and when a customer moves from one to the other."""
    draws = chance(seed, "homes")
    size = len(registered)
    city = weighted(draws, city_weights(), size)
    first, last = first_and_last_city_of_country()
    next_city = draws.integers(first[city], last[city], endpoint=True)
    earliest = np.maximum(registered, period.begin)
    wait = whole_seconds(draws.random(size) * (period.end - earliest) / DAY)
    moves = np.where(draws.random(size) < _MOVING, earliest + wait + SECOND, NEVER)
    return city, next_city, moves


def customer_tables(period: Period, who: Customers, seed: int) -> dict[str, pa.Table]:
    """Customer, Store, Person, EmailAddress, Address and BusinessEntityAddress."""
    people = _people(who, seed)
    return {
        "Customer": _customer(period, who, seed),
        "Store": _store(period, who, seed),
        "Person": _person(period, who, people),
        "EmailAddress": _email_address(period, who, people, seed),
        **_addresses(period, who, seed),
    }


def consumer_truth(who: Customers, seed: int) -> pa.Table:
    """One row per ERP customer: persona, churn and the person's true name and e-mail address."""
    people = _people(who, seed)
    has_person = ~np.ma.getmaskarray(who.person)
    of_person = pa.array(np.cumsum(has_person) - 1, mask=~has_person)
    stops = pa.array(who.stops, mask=who.stops == NEVER)
    return pa.table(
        {
            "CustomerID": who.number,
            "PersonID": pa.array(who.person.data, mask=~has_person),
            "StoreID": pa.array(who.entity, mask=~who.is_store),
            "Persona": _pick([persona.name for persona in PERSONAS], who.persona),
            "FirstName": people.first_name.take(of_person),
            "LastName": people.last_name.take(of_person),
            "EmailAddress": people.email.take(of_person),
            "PersonIsMissing": who.person_missing,
            "RegisteredAt": pa.array(who.registered).view(pa.timestamp("us")),
            "StopsAt": stops.view(pa.timestamp("us")),
            "MovesAt": pa.array(who.moves, mask=who.moves == NEVER).view(pa.timestamp("us")),
            "StateProvinceID": STATE_OF_CITY[who.first_city] + 1,
            "City": _pick([city.name for city in CITIES], who.first_city),
        }
    )


@dataclass(frozen=True)
class _People:
    """One value per person, in order of BusinessEntityID."""

    customer: Ints
    """The customer that the person is, or is the contact of."""
    entity: Ints
    first_name: pa.Array
    last_name: pa.Array
    email: pa.Array
    """Clean and unique; null for people without one."""


def _people(who: Customers, seed: int) -> _People:
    draws = chance(seed, "people")
    customer = np.flatnonzero(~np.ma.getmaskarray(who.person))
    entity = who.person.data[customer]
    size = len(customer)
    first = draws.integers(len(_FIRST_NAMES), size=size)
    last = draws.integers(len(_LAST_NAMES), size=size)
    email = pc.binary_join_element_wise(
        _pick([_plain(name) for name in _FIRST_NAMES], first),
        pa.repeat(".", size),
        _pick([_plain(name) for name in _LAST_NAMES], last),
        pa.array(entity).cast(pa.string()),
        pa.repeat("@", size),
        _pick(_MAIL_HOSTS, draws.integers(len(_MAIL_HOSTS), size=size)),
        "",
    )
    without = pa.array(draws.random(size) < _WITHOUT_EMAIL)
    return _People(
        customer=customer,
        entity=entity,
        first_name=_pick(_FIRST_NAMES, first),
        last_name=_pick(_LAST_NAMES, last),
        email=pc.if_else(without, pa.scalar(None, pa.string()), email),
    )


def _customer(period: Period, who: Customers, seed: int) -> pa.Table:
    which = versions(who.registered, who.moves, end=period.end)
    city = who.city_at(which.row, which.since)
    return version_table(
        "Customer",
        which,
        {
            "CustomerID": which.of(who.number),
            "PersonID": which.of(who.person),
            "StoreID": which.of(np.ma.masked_array(who.entity, mask=~who.is_store)),
            "TerritoryID": TERRITORY_OF_CITY[city] + 1,
            "rowguid": which.of(guids(seed, "Customer", len(who.persona))),
        },
    )


def _store(period: Period, who: Customers, seed: int) -> pa.Table:
    store = np.flatnonzero(who.is_store)
    draws = chance(seed, "stores")
    first = _pick(_STORE_FIRST, draws.integers(len(_STORE_FIRST), size=len(store)))
    last = _pick(_STORE_LAST, draws.integers(len(_STORE_LAST), size=len(store)))
    return version_table(
        "Store",
        versions(who.registered[store], end=period.end),
        {
            "BusinessEntityID": who.entity[store],
            "Name": pc.binary_join_element_wise(first, last, " "),
            "SalesPersonID": sales_person(TERRITORY_OF_CITY[who.first_city[store]]),
            "rowguid": guids(seed, "Store", len(store)),
        },
    )


def _person(period: Period, who: Customers, people: _People) -> pa.Table:
    known = np.flatnonzero(~who.person_missing[people.customer])
    customer = people.customer[known]
    # Every third person has a middle initial; nothing hangs on it, so no draw is spent on it.
    initial = people.entity[known] % (3 * len(_INITIALS))
    return version_table(
        "Person",
        versions(who.registered[customer], end=period.end),
        {
            "BusinessEntityID": people.entity[known],
            "PersonType": _pick(("IN", "SC"), who.is_store[customer].astype(np.int64)),
            "Title": None,
            "FirstName": people.first_name.take(pa.array(known)),
            "MiddleName": _pick((*_INITIALS, *(None,) * 2 * len(_INITIALS)), initial),
            "LastName": people.last_name.take(pa.array(known)),
        },
    )


def _email_address(period: Period, who: Customers, people: _People, seed: int) -> pa.Table:
    """As people typed it: some in capitals, some with a blank behind."""
    having = np.flatnonzero(people.email.is_valid().to_numpy(zero_copy_only=False))
    draws = chance(seed, "e-mail as typed")
    email = people.email.take(pa.array(having))
    shouted = pa.array(draws.random(len(having)) < _SHOUTED_EMAIL)
    padded = pa.array(draws.random(len(having)) < _PADDED_EMAIL)
    typed = pc.if_else(shouted, pc.utf8_upper(email), email)
    blank = pc.if_else(padded, " ", "")
    return version_table(
        "EmailAddress",
        versions(who.registered[people.customer[having]], end=period.end),
        {
            "BusinessEntityID": people.entity[having],
            "EmailAddressID": np.arange(len(having)) + 1,
            "EmailAddress": pc.binary_join_element_wise(typed, blank, ""),
            "rowguid": guids(seed, "EmailAddress", len(having)),
        },
    )


def _addresses(period: Period, who: Customers, seed: int) -> dict[str, pa.Table]:
    """One address for every customer: its row changes when they move, the link to it stays."""
    size = len(who.persona)
    number = np.arange(size) + 1
    which = versions(who.registered, who.moves, end=period.end)
    city = who.city_at(which.row, which.since)
    draws = chance(seed, "addresses")
    # One house for each version, so that moving within a city is still moving.
    house = pa.array(draws.integers(1, 400, size=len(city))).cast(pa.string())
    street = _pick(_STREETS, draws.integers(len(_STREETS), size=len(city)))
    digit = draws.integers(10, size=len(city))
    postal = [place.postal.replace("#", str(d)) for place in CITIES for d in range(10)]
    return {
        "Address": version_table(
            "Address",
            which,
            {
                "AddressID": which.of(number),
                "AddressLine1": pc.binary_join_element_wise(house, street, " "),
                "AddressLine2": None,
                "City": _pick([place.name for place in CITIES], city),
                "StateProvinceID": STATE_OF_CITY[city] + 1,
                "PostalCode": _pick(postal, city * 10 + digit),
                "rowguid": which.of(guids(seed, "Address", size)),
            },
        ),
        "BusinessEntityAddress": version_table(
            "BusinessEntityAddress",
            versions(who.registered, end=period.end),
            {
                "BusinessEntityID": who.entity,
                "AddressID": number,
                "AddressTypeID": np.where(who.is_store, _MAIN_OFFICE, _HOME),
                "rowguid": guids(seed, "BusinessEntityAddress", size),
            },
        ),
    }


def _pick(pool: tuple[str | None, ...] | list[str], positions: Ints) -> pa.Array:
    return pa.array(pool, pa.string()).take(pa.array(positions))


def _plain(name: str) -> str:
    """A name as it is spelled in an e-mail address: lower case, no accents."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
