"""Special offers, and the uplift that each really has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.randomness import guids
from simulated_retailer.engine.timestamps import DAY, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.products import SIZE, Products, products_of
from simulated_retailer.erp.schema import ERP


class Offer(NamedTuple):
    """A price cut for some lines of products during part of the simulated period."""

    description: str
    percent: int
    kind: str
    category: str
    """Customer: for consumers; Reseller: for stores."""
    lines: tuple[str, ...]
    starts: float
    ends: float
    """Parts of the period; an offer runs on whole days, from `starts` to before `ends`."""
    uplift: float
    """How many times as many pieces sell as would without the offer."""


# In order of starting. No two offers of one category share a line at the same time.
OFFERS = (
    Offer("Reseller Knife Weeks", 5, "Volume Discount", "Reseller", ("KN",), 0.10, 0.24, 1.3),
    Offer("Spring Planting", 15, "Seasonal Discount", "Customer", ("PL", "HT"), 0.22, 0.29, 1.9),
    Offer("Backpack Days", 20, "Seasonal Discount", "Customer", ("BP",), 0.44, 0.51, 2.4),
    Offer("Reseller Sleep Sale", 25, "Excess Inventory", "Reseller", ("SB", "HS"), 0.55, 0.7, 2.0),
    Offer("Kitchen Refresh", 10, "Seasonal Discount", "Customer", ("PN",), 0.60, 0.68, 1.5),
    Offer("Tent Clearance", 35, "Discontinued Product", "Customer", ("TN",), 0.72, 0.78, 3.2),
)
NO_OFFER = 1
"""SpecialOfferID of 'No Discount', which every ordinary line carries."""

_ANNOUNCED_BEFORE = 14 * DAY


def offer_days(period: Period) -> tuple[Ints, Ints]:
    """For each offer: the number of its first day and of the day after its last."""
    first = np.array([int(offer.starts * period.days) for offer in OFFERS])
    after = np.array([int(offer.ends * period.days) for offer in OFFERS])
    return first, after


def offer_on(period: Period, reseller: bool) -> Ints:
    """days x products: the position in OFFERS of the offer that runs, -1 where none does."""
    running = np.full((period.days, SIZE), -1)
    for position, (offer, first, after) in enumerate(zip(OFFERS, *offer_days(period), strict=True)):
        if (offer.category == "Reseller") == reseller:
            running[first:after, products_of(offer.lines)] = position
    return running


def offer_truth() -> pa.Table:
    """One row per offer: the planted factor on the pieces sold of each product it covers."""
    return pa.table(
        {
            "SpecialOfferID": NO_OFFER + 1 + np.arange(len(OFFERS)),
            "uplift": np.array([offer.uplift for offer in OFFERS]),
        }
    )


@dataclass(frozen=True)
class _Link:
    offer: Ints
    product: Ints
    since: Ints


def offer_tables(period: Period, products: Products, seed: int) -> dict[str, pa.Table]:
    """SpecialOffer and SpecialOfferProduct; offers are announced two weeks before they start."""
    first, after = offer_days(period)
    starts = np.append(period.founded, period.midnight(first))
    ends = np.append(period.end + 3650 * DAY, period.midnight(after))
    announced = np.append(period.founded, period.midnight(first) - _ANNOUNCED_BEFORE)
    which = versions(announced, end=period.end)
    texts = [("No Discount", "No Discount", "No Discount")]
    texts += [(offer.description, offer.kind, offer.category) for offer in OFFERS]
    description, kind, category = (pa.array(column) for column in zip(*texts, strict=True))
    percent = np.array([0, *(offer.percent for offer in OFFERS)])
    links = _links(products, announced)
    linked = versions(links.since, end=period.end)
    return {
        "SpecialOffer": version_table(
            ERP,
            "SpecialOffer",
            which,
            {
                "SpecialOfferID": NO_OFFER + which.row,
                "Description": which.of(description),
                "DiscountPct": which.of(percent) * 100,
                "Type": which.of(kind),
                "Category": which.of(category),
                "StartDate": which.of(starts),
                "EndDate": which.of(ends),
                "MinQty": 0,
                "MaxQty": None,
                "rowguid": which.of(guids(seed, "SpecialOffer", len(starts))),
            },
        ),
        "SpecialOfferProduct": version_table(
            ERP,
            "SpecialOfferProduct",
            linked,
            {
                "SpecialOfferID": linked.of(links.offer),
                "ProductID": linked.of(products.number[links.product]),
                "rowguid": linked.of(guids(seed, "SpecialOfferProduct", len(links.offer))),
            },
        ),
    }


def _links(products: Products, announced: Ints) -> _Link:
    """Which products each offer covers; an offer finds a product once the product exists."""
    covered = [np.arange(len(products.number))] + [products_of(offer.lines) for offer in OFFERS]
    position = np.repeat(np.arange(len(covered)), [len(positions) for positions in covered])
    product = np.concatenate(covered)
    since = np.maximum(announced[position], products.sold_from[product])
    return _Link(NO_OFFER + position, product, since)
