"""What the web shop sells: some of the ERP's products, under the same number, and products of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Flags, Floats, Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import NEVER, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.products import LINES, VARIANTS, Products, Steps, labels, yearly_amounts
from simulated_retailer.erp.products import SIZE as ERP_SIZE
from simulated_retailer.webshop.schema import WEBSHOP

_SHARED = 0.5
"""Share of the ERP's models that the web shop sells too."""


class Range(NamedTuple):
    """A category that only the web shop has: every brand in every variant."""

    code: str
    category: str
    noun: str
    department: str
    like: int
    """Position in the ERP's CATEGORIES of the category with the same buyers and the same season."""
    lowest: float
    highest: float


RANGES = (
    Range("JK", "Jackets", "Jacket", "Women", 0, 59, 329),
    Range("SH", "Shoes", "Shoe", "Men", 3, 39, 219),
    Range("TS", "T-Shirts", "T-Shirt", "Men", 3, 12, 49),
    Range("SK", "Socks", "Socks", "Women", 1, 6, 29),
    Range("HT", "Hats", "Hat", "Women", 2, 14, 69),
)
_BRANDS = ("Norrland", "Tarn & Sons", "Cloudbreak")
_VARIANTS = ("Sand", "Moss", "Slate", "Rust")
_OWN = len(RANGES) * len(_BRANDS) * len(_VARIANTS)
_ERP_DEPARTMENT = "Home & Outdoor"
_ERP_BRAND = "House of "
_OWN_WEIGHT = 0.9
"""How popular the web shop's own products are together, relative to the shared ones."""


@dataclass(frozen=True)
class Catalogue:
    """One value per product of the web shop: first the shared ones, then its own."""

    shared: Ints
    """Position among the ERP's products, -1 for its own."""
    sku: pa.Array
    name: pa.Array
    brand: pa.Array
    category_name: pa.Array
    department: pa.Array
    category: Ints
    """Position in the ERP's CATEGORIES: tastes and seasons."""
    popularity: Floats
    sold_from: Ints
    sold_until: Ints
    price: Steps
    """In cents."""
    cost: Steps
    """In cents."""

    @property
    def number(self) -> Ints:
        """The id, in order of being launched."""
        return 1 + np.argsort(np.argsort(self.sold_from, kind="stable"))

    def on_sale(self, moments: Ints) -> Flags:
        """times x products: whether it can be bought then."""
        at = moments[:, None]
        return (at >= self.sold_from) & (at < self.sold_until)

    def in_categories(self, names: tuple[str, ...]) -> Flags:
        """Whether each product is in one of these categories."""
        return np.isin(self.category_name.to_numpy(zero_copy_only=False), names)


def generate_catalogue(period: Period, products: Products, seed: int) -> Catalogue:
    """The web shop's products and how their prices move."""
    rng = random_stream(seed, "catalogue")
    models = np.flatnonzero(rng.random(ERP_SIZE // VARIANTS) < _SHARED)
    shared = (models[:, None] * VARIANTS + np.arange(VARIANTS)).ravel()
    own_price, own_cost = _own_amounts(period, rng)
    popularity = rng.lognormal(0, 0.6, _OWN)
    common = products.popularity[shared]
    popularity *= _OWN_WEIGHT * max(common.sum(), 0.1) / popularity.sum()
    popularity = np.concatenate([common, popularity])
    texts = _texts(products, shared)
    return Catalogue(
        shared=np.concatenate([shared, np.full(_OWN, -1)]),
        **{name: pa.array(column) for name, column in zip(_TEXTS, zip(*texts, strict=True), strict=True)},
        category=np.concatenate(
            [products.category[shared], np.repeat([kind.like for kind in RANGES], _OWN // len(RANGES))]
        ),
        popularity=popularity / popularity.sum(),
        sold_from=np.concatenate([products.sold_from[shared], np.full(_OWN, period.founded)]),
        sold_until=np.concatenate([products.sold_until[shared], np.full(_OWN, NEVER)]),
        price=_stacked(products.price, shared, own_price),
        cost=_stacked(products.cost, shared, own_cost),
    )


_TEXTS = ("sku", "name", "brand", "category_name", "department")


def _texts(products: Products, shared: Ints) -> list[tuple[str, ...]]:
    erp = {key: value.to_pylist() for key, value in labels().items()}
    texts: list[tuple[str, ...]] = []
    for product in shared.tolist():
        line = LINES[products.line[product]]
        brand = _ERP_BRAND + erp["name"][product].split()[0]
        texts.append((erp["number"][product], erp["name"][product], brand, line.name, _ERP_DEPARTMENT))
    for kind in RANGES:
        for brand in _BRANDS:
            for variant in _VARIANTS:
                sku = f"WS-{kind.code}{brand[:2].upper()}-{variant[:2].upper()}"
                name = f"{brand} {kind.noun}, {variant}"
                texts.append((sku, name, brand, kind.category, kind.department))
    return texts


def _own_amounts(period: Period, rng: np.random.Generator) -> tuple[Steps, Steps]:
    """Prices and costs of the web shop's own products, in units of 0.0001."""
    each = _OWN // len(RANGES)
    steps = np.linspace(0, 1, each)
    opening = np.concatenate([kind.lowest * (kind.highest / kind.lowest) ** steps for kind in RANGES])
    margin = rng.uniform(0.40, 0.65, _OWN)
    from_start, for_ever = np.full(_OWN, period.founded), np.full(_OWN, NEVER)
    price = yearly_amounts(period, from_start, for_ever, np.round(opening) - 0.01, rng)
    cost = yearly_amounts(period, from_start, for_ever, opening * (1 - margin), rng)
    return price, cost


def _stacked(erp: Steps, shared: Ints, own: Steps) -> Steps:
    """The amounts of shared and of own products, in whole cents."""
    amount = np.concatenate([erp.amount[shared], own.amount])
    return Steps(np.concatenate([erp.since[shared], own.since]), (amount + 50) // 100)


def product_table(period: Period, catalogue: Catalogue, center: Ints) -> pa.Table:
    """products; `center` is the distribution_center_id that ships each."""
    which = versions(
        catalogue.sold_from, *catalogue.price.since.T[1:], *catalogue.cost.since.T[1:], end=period.end
    )
    return version_table(
        WEBSHOP,
        "products",
        which,
        {
            "id": which.of(catalogue.number),
            "cost": catalogue.cost.at(which.row, which.since),
            "category": which.of(catalogue.category_name),
            "name": which.of(catalogue.name),
            "brand": which.of(catalogue.brand),
            "retail_price": catalogue.price.at(which.row, which.since),
            "department": which.of(catalogue.department),
            "sku": which.of(catalogue.sku),
            "distribution_center_id": which.of(center),
        },
    )


def product_truth(products: Products, catalogue: Catalogue) -> pa.Table:
    """One row per product number: what the ERP and the web shop call it; null where unknown."""
    sold_too = np.zeros(len(products.line), np.int64)
    is_shared = catalogue.shared >= 0
    sold_too[catalogue.shared[is_shared]] = catalogue.number[is_shared]
    own = np.flatnonzero(~is_shared)
    erp = np.concatenate([products.number, np.zeros(len(own), np.int64)])
    webshop = np.concatenate([sold_too, catalogue.number[own]])
    return pa.table(
        {
            "product_number": pa.concat_arrays([labels()["number"], catalogue.sku.take(pa.array(own))]),
            "product_id": pa.array(erp, mask=erp == 0),
            "webshop_product_id": pa.array(webshop, mask=webshop == 0),
        }
    )
