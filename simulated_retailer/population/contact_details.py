"""Names, streets, postal codes and e-mail addresses, also as people mistype them."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Flags, Ints, label, pick
from simulated_retailer.population.geography import CITIES

FIRST_NAMES = (
    "Aaliyah", "Adam", "Aisha", "Alexandra", "Amelia", "Amir", "Anna", "Ben", "Björn", "Camila",
    "Carlos", "Charlotte", "Chen", "Chloé", "Daniel", "David", "Diego", "Elena", "Eleanor",
    "Emily", "Emma", "Ethan", "Fatima", "Finn", "Florence", "George", "Grace", "Hannah",
    "Harper", "Henry", "Hiroshi", "Isla", "Ivan", "Jack", "Jacob", "Jade", "James", "Jasmine",
    "José", "Julia", "Kofi", "Laura", "Léa", "Leo", "Liam", "Lucas", "Maria", "Mason", "Maya",
    "Mei", "Michael", "Mila", "Mohammed", "Naomi", "Nia", "Noah", "Nora", "Oliver", "Olivia",
    "Omar", "Oscar", "Priya", "Rachel", "Rafael", "Ravi", "Renée", "Rosa", "Ruby", "Ryan",
    "Samuel", "Sara", "Sofia", "Theo", "Thomas", "Victoria", "William", "Yuki", "Zoë",
)  # fmt: skip
_MEN = frozenset((
    "Adam", "Amir", "Ben", "Björn", "Carlos", "Chen", "Daniel", "David", "Diego", "Ethan", "Finn",
    "George", "Henry", "Hiroshi", "Ivan", "Jack", "Jacob", "James", "José", "Kofi", "Leo", "Liam",
    "Lucas", "Mason", "Michael", "Mohammed", "Noah", "Oliver", "Omar", "Oscar", "Rafael", "Ravi",
    "Ryan", "Samuel", "Theo", "Thomas", "William",
))  # fmt: skip
IS_MAN: Flags = np.array([name in _MEN for name in FIRST_NAMES])
LAST_NAMES = (
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
_MAIL_HOSTS = ("mailbox.example", "post.example", "inbox.example", "letters.example")
_STREETS = (
    "Alder Way", "Bank Street", "Beacon Road", "Bridge Street", "Canal Street", "Castle Lane",
    "Cedar Avenue", "Church Road", "Clover Court", "College Street", "Elm Street", "Ferry Road",
    "Garden Row", "Granville Street", "Harbour View", "High Street", "Hill Road", "King Street",
    "Lake Drive", "Maple Avenue", "Market Square", "Mill Lane", "Oak Street", "Orchard Close",
    "Park Avenue", "Pine Street", "Queen Street", "River Road", "Station Road", "Union Street",
    "Valley Drive", "Victoria Terrace", "Willow Crescent", "York Street",
)  # fmt: skip
_POSTAL = [city.postal.replace("#", str(digit)) for city in CITIES for digit in range(10)]
_SHOUTED, _PADDED = 0.04, 0.015


def email_addresses(first: Ints, last: Ints, number: Ints, rng: np.random.Generator) -> pa.Array:
    """Clean e-mail addresses of people with these names; unique if the numbers are."""
    size = len(number)
    return pc.binary_join_element_wise(
        pick([_plain(name) for name in FIRST_NAMES], first),
        pa.repeat(".", size),
        pick([_plain(name) for name in LAST_NAMES], last),
        pa.array(number).cast(pa.string()),
        pa.repeat("@", size),
        pick(_MAIL_HOSTS, rng.integers(len(_MAIL_HOSTS), size=size)),
        "",
    )


def as_typed(email: pa.Array, rng: np.random.Generator) -> pa.Array:
    """E-mail addresses as people type them: some in capitals, some with a trailing blank."""
    shouted = pa.array(rng.random(len(email)) < _SHOUTED)
    padded = pa.array(rng.random(len(email)) < _PADDED)
    typed = pc.if_else(shouted, pc.utf8_upper(email), email)
    return pc.binary_join_element_wise(typed, pc.if_else(padded, " ", ""), "")


def streets(rng: np.random.Generator, size: int) -> pa.Array:
    """`size` street addresses."""
    house = pa.array(rng.integers(1, 400, size=size)).cast(pa.string())
    return pc.binary_join_element_wise(house, pick(_STREETS, rng.integers(len(_STREETS), size=size)), " ")


def postal_codes(city: Ints, rng: np.random.Generator) -> pa.Array:
    """A postal code of each given city, a position in CITIES; labels."""
    return label(_POSTAL, city * 10 + rng.integers(10, size=len(city)))


def _plain(name: str) -> str:
    """A name as it is spelled in an e-mail address: lower case, no accents."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
