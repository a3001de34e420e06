"""The web shop's books: orders, order_items and the pieces of stock that they sold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints, label
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import NEVER, Period, whole_seconds
from simulated_retailer.engine.versions import Versions, version_table, versions
from simulated_retailer.population.people import People
from simulated_retailer.webshop.catalogue import Catalogue
from simulated_retailer.webshop.orders import WebItems, WebOrders
from simulated_retailer.webshop.schema import WEBSHOP
from simulated_retailer.webshop.users import Users, gender_of

_STATUSES = ("Processing", "Shipped", "Complete", "Returned", "Cancelled")
_CANCELLED = 4
_UNSOLD = 0.06
"""Pieces that nobody bought, relative to those that were."""
_LONGEST_IN_STOCK = 60


@dataclass(frozen=True)
class Pieces:
    """One value per piece of stock, in order of coming in."""

    product: Ints
    received: Ints
    sold: Ints
    """NEVER if not."""
    of_item: Ints
    """Per order item: the number of its piece."""


def stock_pieces(
    period: Period, catalogue: Catalogue, orders: WebOrders, items: WebItems, seed: int
) -> Pieces:
    """A piece for every item, and some that wait."""
    rng = random_stream(seed, "pieces")
    sold = orders.placed[items.order]
    unsold = round(_UNSOLD * len(sold))
    received = sold - whole_seconds(rng.uniform(0.5, _LONGEST_IN_STOCK, len(sold)))
    waiting = period.begin + whole_seconds(rng.random(unsold) * period.days)
    product = np.concatenate(
        [items.product, rng.integers(len(catalogue.shared), size=unsold, dtype=np.int64)]
    )
    received = np.maximum(np.concatenate([received, waiting]), catalogue.sold_from[product])
    by_time = np.argsort(received, kind="stable")
    number = np.empty(len(received), dtype=np.int64)
    number[by_time] = np.arange(len(received)) + 1
    return Pieces(
        product=product[by_time],
        received=received[by_time],
        sold=np.concatenate([sold, np.full(unsold, NEVER)])[by_time],
        of_item=number[: len(sold)],
    )


def order_table(period: Period, people: People, users: Users, orders: WebOrders) -> pa.Table:
    """orders; the status of one that came back in part is Returned."""
    which = versions(
        orders.placed, orders.cancelled, orders.shipped, orders.delivered, orders.returned, end=period.end
    )
    return version_table(
        WEBSHOP,
        "orders",
        which,
        {
            "order_id": which.of(orders.number),
            "user_id": which.of(users.number[orders.user]),
            "gender": which.of(gender_of(people, users.person[orders.user])),
            "num_of_item": which.of(orders.size),
            **_course(which, orders, np.arange(len(orders.placed)), orders.returned),
        },
    )


def item_table(
    period: Period, catalogue: Catalogue, users: Users, orders: WebOrders, items: WebItems, pieces: Pieces
) -> pa.Table:
    """order_items: one row per piece."""
    order = items.order
    which = versions(
        orders.placed[order],
        orders.cancelled[order],
        orders.shipped[order],
        orders.delivered[order],
        items.returned,
        end=period.end,
    )
    return version_table(
        WEBSHOP,
        "order_items",
        which,
        {
            "id": which.of(items.number),
            "order_id": which.of(orders.number[order]),
            "user_id": which.of(users.number[orders.user[order]]),
            "product_id": which.of(catalogue.number[items.product]),
            "inventory_item_id": which.of(pieces.of_item),
            "sale_price": which.of(items.sale),
            **_course(which, orders, order, items.returned),
        },
    )


def piece_table(period: Period, catalogue: Catalogue, center: Ints, pieces: Pieces) -> pa.Table:
    """inventory_items; `center` is the distribution_center_id of each product."""
    which = versions(pieces.received, pieces.sold, end=period.end)
    product, received = which.of(pieces.product), which.of(pieces.received)
    return version_table(
        WEBSHOP,
        "inventory_items",
        which,
        {
            "id": which.row + 1,
            "product_id": catalogue.number[product],
            "created_at": received,
            "sold_at": np.where(which.after(pieces.sold), which.of(pieces.sold), NEVER),
            "cost": catalogue.cost.at(product, received),
            "product_category": label(catalogue.category_name, product),
            "product_name": label(catalogue.name, product),
            "product_brand": label(catalogue.brand, product),
            "product_retail_price": catalogue.price.at(product, received),
            "product_department": label(catalogue.department, product),
            "product_sku": label(catalogue.sku, product),
            "product_distribution_center_id": center[product],
        },
    )


def _course(which: Versions, orders: WebOrders, order: Ints, returned: Ints) -> dict[str, object]:
    """Status and time stamps of rows that belong to these orders, one value per version."""
    steps = {
        "shipped_at": orders.shipped[order],
        "delivered_at": orders.delivered[order],
        "returned_at": returned,
    }
    done = {name: which.after(moment) for name, moment in steps.items()}
    status = np.sum(list(done.values()), axis=0)
    status = np.where(which.after(orders.cancelled[order]), _CANCELLED, status)
    stamps = {name: np.where(done[name], which.of(moment), NEVER) for name, moment in steps.items()}
    return {"status": label(_STATUSES, status), "created_at": which.of(orders.placed[order]), **stamps}
