"""Page visits in the web shop: sessions of events, some of them of unknown visitors."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Ints, label
from simulated_retailer.engine.randomness import guids, random_stream, weighted
from simulated_retailer.engine.timestamps import NEVER, SECOND, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.population.contact_details import postal_codes
from simulated_retailer.population.geography import CITIES, STATE_NAME_OF_CITY, city_weights
from simulated_retailer.webshop.catalogue import Catalogue
from simulated_retailer.webshop.orders import WebItems, WebOrders
from simulated_retailer.webshop.schema import WEBSHOP
from simulated_retailer.webshop.users import Users

_TYPES = ("home", "department", "product", "cart", "purchase", "cancel")
_HOME, _DEPARTMENT, _PRODUCT, _CART, _PURCHASE, _CANCEL = range(len(_TYPES))
_BROWSERS, _BROWSER_WEIGHTS = ("Chrome", "Safari", "Firefox", "Edge", "Other"), (50, 22, 14, 8, 6)
_SOURCES = ("Email", "Adwords", "Organic", "Facebook", "YouTube")
_SOURCE_WEIGHTS = (40, 30, 10, 12, 8)
_LOOKS = 0.8
"""Sessions without a purchase, relative to orders."""
_UNKNOWN, _MOST_LOOKED_AT = 0.6, 4
_SLOWEST = 150
"""Seconds between two events of a session."""


def event_table(
    period: Period, catalogue: Catalogue, users: Users, orders: WebOrders, items: WebItems, seed: int
) -> pa.Table:
    """events, numbered in order of time."""
    rng = random_stream(seed, "sessions")
    buying, looking = len(orders.placed), round(_LOOKS * len(orders.placed))
    visitor = _visitors(len(users.person), looking, rng)
    user = np.concatenate([orders.user, visitor])
    last = np.concatenate([orders.placed, period.begin + whole_seconds(rng.random(looking) * period.days)])
    session, kind, product = _steps(catalogue, orders, items, buying, looking, rng)
    moment, position = _moments(session, kind, last, orders, rng)

    keep = np.flatnonzero(moment < period.end)
    keep = keep[np.argsort(moment[keep], kind="stable")]
    session, kind, product, moment, position = (
        values[keep] for values in (session, kind, product, moment, position)
    )
    where = _where(users, user, rng)
    of_session = pa.array(session)
    return version_table(
        WEBSHOP,
        "events",
        versions(moment, end=period.end),
        {
            "id": np.arange(len(keep)) + 1,
            "user_id": np.ma.masked_array(user[session] + 1, mask=user[session] < 0),
            "sequence_number": position,
            "session_id": label(guids(seed, "sessions", len(user)), session),
            "created_at": moment,
            **{name: values.take(of_session) for name, values in where.items()},
            "uri": label(_uris(catalogue), kind * len(catalogue.shared) + product),
            "event_type": label(_TYPES, kind),
        },
    )


def _visitors(users: int, looking: int, rng: np.random.Generator) -> Ints:
    """The visitor of each session without an order: a user, or -1 if unknown."""
    known = rng.random(looking) >= _UNKNOWN
    return np.where(known, rng.integers(max(users, 1), size=looking), -1)


def _steps(
    catalogue: Catalogue,
    orders: WebOrders,
    items: WebItems,
    buying: int,
    looking: int,
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints]:
    """Session, type and product of every event, session by session in order of time.

    Buyers see the home page and a department, look at each piece, put it into the cart, and may
    cancel. Other visitors see a few products.
    """
    looks = rng.integers(1, _MOST_LOOKED_AT, size=looking, endpoint=True)
    looker = np.repeat(buying + np.arange(looking), looks)
    seen = rng.integers(len(catalogue.shared), size=len(looker), dtype=np.int64)
    visits = np.arange(buying + looking)
    sold = items.product[orders.first_item]
    purchase, cancel = np.arange(buying), np.flatnonzero(orders.cancelled != NEVER)
    first = np.concatenate([sold, rng.integers(len(catalogue.shared), size=looking, dtype=np.int64)])
    parts: list[tuple[Ints, int, Ints, Ints | int]] = [
        (visits, _HOME, first, 0),
        (visits, _DEPARTMENT, first, 1),
        (looker, _PRODUCT, seen, 2),
        (items.order, _PRODUCT, items.product, 2 + 2 * _within(items, orders)),
        (items.order, _CART, items.product, 3 + 2 * _within(items, orders)),
        (purchase, _PURCHASE, sold, 2 + 2 * orders.size),
        (cancel, _CANCEL, sold[cancel], 3 + 2 * orders.size[cancel]),
    ]
    session = np.concatenate([part[0] for part in parts])
    kind = np.concatenate([np.full(len(part[0]), part[1]) for part in parts])
    product = np.concatenate([part[2] for part in parts])
    rank = np.concatenate([np.broadcast_to(part[3], len(part[0])) for part in parts])
    in_order = np.lexsort((rank, session))
    return session[in_order], kind[in_order], product[in_order]


def _within(items: WebItems, orders: WebOrders) -> Ints:
    """Each item's position within its order."""
    return np.arange(len(items.order)) - orders.first_item[items.order]


def _moments(
    session: Ints, kind: Ints, last: Ints, orders: WebOrders, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Time of every event and its number within the session; the purchase is when the order is placed."""
    size = np.bincount(session, minlength=len(last))
    start = np.cumsum(size) - size
    position = np.arange(len(session)) - start[session]
    pause = rng.integers(5, _SLOWEST, size=len(session)) * SECOND
    since_start = np.concatenate([[0], pause.cumsum()])[1:]
    final = start + size - 1
    final[: len(orders.placed)] -= orders.cancelled != NEVER
    moment = last[session] - (since_start[final[session]] - since_start) if len(session) else session
    cancelling = kind == _CANCEL
    moment[cancelling] = orders.cancelled[session[cancelling]]
    return moment, position + 1


def _where(users: Users, user: Ints, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Where each session comes from: address, city, browser and traffic source."""
    size = len(user)
    anywhere = weighted(rng, city_weights(), size)
    city = np.where(user >= 0, users.city[user], anywhere) if len(users.city) else anywhere
    octets = [pa.array(rng.integers(1, 255, size=size)).cast(pa.string()) for _ in range(4)]
    return {
        "ip_address": label(pc.binary_join_element_wise(*octets, "."), np.arange(size)),
        "city": label([place.name for place in CITIES], city),
        "state": label(STATE_NAME_OF_CITY, city),
        "postal_code": postal_codes(city, rng),
        "browser": label(_BROWSERS, weighted(rng, _BROWSER_WEIGHTS, size)),
        "traffic_source": label(_SOURCES, weighted(rng, _SOURCE_WEIGHTS, size)),
    }


def _uris(catalogue: Catalogue) -> pa.Array:
    """The page of every type of event and product."""
    departments = [
        f"/department/{department}/category/{category}".lower().replace(" ", "-")
        for department, category in zip(
            catalogue.department.to_pylist(), catalogue.category_name.to_pylist(), strict=True
        )
    ]
    products = [f"/product/{number}" for number in catalogue.number]
    size = len(products)
    return pa.array(
        ["/"] * size + departments + products + ["/cart"] * size + ["/purchase"] * size + ["/cancel"] * size
    )
