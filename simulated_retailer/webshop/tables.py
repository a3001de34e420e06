"""All tables of the web shop, and the wrong rows in it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.faults import Fault, Wrong, with_faults
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.inventory.centers import CENTERS
from simulated_retailer.population.geography import CITIES
from simulated_retailer.population.people import People
from simulated_retailer.webshop.catalogue import product_table
from simulated_retailer.webshop.events import event_table
from simulated_retailer.webshop.inventory_items import piece_table, stock_pieces
from simulated_retailer.webshop.order_tables import item_table, order_table
from simulated_retailer.webshop.payments import payment_table
from simulated_retailer.webshop.schema import WEBSHOP
from simulated_retailer.webshop.simulation import Webshop
from simulated_retailer.webshop.users import user_table

_WRONG = {
    "users": ("id", (Wrong("the age is below 0 or above 120", "age", 150),)),
    "orders": (
        "order_id",
        (Wrong("the number of items is not above 0", "num_of_item", 0),),
    ),
    "order_items": (
        "id",
        (
            Wrong("the sale price is missing", "sale_price", None),
            Wrong("the item names no order", "order_id", None),
        ),
    ),
    "inventory_items": ("id", (Wrong("the piece has no product", "product_id", None),)),
    "events": (
        "id",
        (
            Wrong("the event has no session", "session_id", None),
            Wrong("the event has no type", "event_type", None),
        ),
    ),
}
"""Table -> column that numbers its rows, and the faults planted in it."""


def webshop_tables(
    period: Period, people: People, shop: Webshop, center: Ints, seed: int
) -> tuple[dict[str, pa.Table], list[Fault]]:
    """The versions of all of its tables, and the wrong rows among them.

    `center` is the distribution_center_id that ships each of its products.
    """
    pieces = stock_pieces(period, shop.catalogue, shop.orders, shop.items, seed)
    tables = {
        "users": user_table(period, people, shop.users, seed),
        "orders": order_table(period, people, shop.users, shop.orders),
        "order_items": item_table(period, shop.catalogue, shop.users, shop.orders, shop.items, pieces),
        "payments": payment_table(period, shop.orders, shop.items, seed),
        "products": product_table(period, shop.catalogue, center),
        "inventory_items": piece_table(period, shop.catalogue, center, pieces),
        "distribution_centers": _centers(period),
        "events": event_table(period, shop.catalogue, shop.users, shop.orders, shop.items, seed),
    }
    return with_faults(WEBSHOP, tables, _WRONG, seed)


def _centers(period: Period) -> pa.Table:
    places = [CITIES[center.city] for center in CENTERS]
    return version_table(
        WEBSHOP,
        "distribution_centers",
        versions(np.full(len(CENTERS), period.founded), end=period.end),
        {
            "id": np.arange(len(CENTERS)) + 1,
            "name": pa.array([center.name for center in CENTERS]),
            "latitude": np.array([place.latitude for place in places]),
            "longitude": np.array([place.longitude for place in places]),
        },
    )
