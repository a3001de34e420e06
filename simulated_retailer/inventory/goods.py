"""The goods in stock: every product of the ERP and of the web shop once, and the centers that stock it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.erp.products import SIZE, Products, Steps, labels
from simulated_retailer.inventory.centers import CENTERS
from simulated_retailer.webshop.catalogue import Catalogue

_EVERYWHERE, _AT_TWO = 0.2, 0.5
"""The most popular fifth is in every center, the next three tenths in two, the rest in one."""
_SUPPLIERS = (
    "Baltic Mills", "Cascade Metalworks", "Dongguan Homeware", "Fjord Textiles", "Great Lakes Supply",
    "Kestrel Imports", "Porto Ceramics", "Solway Outdoor", "Tasman Trading",
)  # fmt: skip


@dataclass(frozen=True)
class Goods:
    """One value per product: first the ERP's, then those that only the web shop has."""

    sku: pa.Array
    supplier: pa.Array
    sold_from: Ints
    sold_until: Ints
    cost: Steps
    """In units of 0.0001."""
    stocked: Flags
    """goods x centers: whether the center stocks it."""
    home: Ints
    """Position in CENTERS of the center that always has it."""
    of_catalogue: Ints
    """For each product of the web shop: its position here."""

    def center(self, good: Ints, nearest: Ints) -> Ints:
        """The center that ships each given product to where the given center is the nearest."""
        return np.where(self.stocked[good, nearest], nearest, self.home[good])


def stock_goods(products: Products, catalogue: Catalogue, seed: int) -> Goods:
    """All products, and the centers that stock each of them."""
    own = np.flatnonzero(catalogue.shared < 0)
    of_catalogue = catalogue.shared.copy()
    of_catalogue[own] = SIZE + np.arange(len(own))
    size = SIZE + len(own)
    popularity = np.concatenate([products.popularity, np.zeros(len(own))])
    popularity[of_catalogue] += catalogue.popularity
    rank = np.argsort(np.argsort(-popularity, kind="stable")) / size
    places = np.where(rank < _EVERYWHERE, len(CENTERS), np.where(rank < _AT_TWO, 2, 1))
    rng = random_stream(seed, "goods")
    # Products in few centers are mostly in the centers that ship most.
    order = np.argsort(rng.random((size, len(CENTERS))) * (1.0, 1.3, 2.2, 2.6), axis=1)
    stocked = np.argsort(order, axis=1) < places[:, None]
    supplier = rng.integers(len(_SUPPLIERS), size=size)
    own_cost = Steps(catalogue.cost.since[own], catalogue.cost.amount[own] * 100)
    return Goods(
        sku=pa.concat_arrays([labels()["number"], catalogue.sku.take(pa.array(own))]),
        supplier=pa.array(_SUPPLIERS).take(pa.array(supplier)),
        sold_from=np.concatenate([products.sold_from, catalogue.sold_from[own]]),
        sold_until=np.concatenate([products.sold_until, catalogue.sold_until[own]]),
        cost=Steps(
            np.concatenate([products.cost.since, own_cost.since]),
            np.concatenate([products.cost.amount, own_cost.amount]),
        ),
        stocked=stocked,
        home=order[:, 0],
        of_catalogue=of_catalogue,
    )
