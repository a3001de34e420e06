"""The pieces that the web shop has in stock, one by one: when each came in and when it was sold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints, label
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import NEVER, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.webshop.catalogue import Catalogue
from simulated_retailer.webshop.orders import WebItems, WebOrders
from simulated_retailer.webshop.schema import WEBSHOP

_UNSOLD = 0.06
"""Unsold pieces, relative to sold ones."""
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
    """A piece for every order item, and some unsold ones."""
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
