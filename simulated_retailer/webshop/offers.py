"""The web shop's offers, and the uplift that each really has."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.population.geography import COUNTRIES
from simulated_retailer.webshop.catalogue import Catalogue


class WebOffer(NamedTuple):
    """A code for a discount on some categories during part of the simulated period."""

    name: str
    code: str
    percent: int
    categories: tuple[str, ...]
    country: str | None
    """Code of the only country that it is for; None: all."""
    starts: float
    ends: float
    """Parts of the period; an offer runs on whole days, from `starts` to before `ends`."""
    uplift: float
    """How many times as many pieces sell, to those it is for, as would without the offer."""
    capped: bool = False
    """Whether the number of redemptions is limited."""


# In order of starting. No two run at the same time, so that an order has at most one; no category is on
# offer twice within two months, and none before Christmas, so that there are days to compare with.
WEB_OFFERS = (
    WebOffer("Trail Days", "TRAIL15", 15, ("Tents", "Sleeping Bags", "Backpacks", "Camp Stoves"), None,
             0.08, 0.13, 1.8),
    WebOffer("Dress Warm", "WARM20", 20, ("Jackets", "Hats"), None, 0.17, 0.22, 2.2),
    WebOffer("Cook at Home", "COOKUS10", 10, ("Pans", "Knives", "Mugs"), "US", 0.27, 0.33, 1.6),
    WebOffer("Happy Feet", "FEET25", 25, ("Shoes", "Socks"), None, 0.37, 0.42, 2.5, capped=True),
    WebOffer("Garden Party", "GARDEN15", 15, ("Planters", "Hand Tools", "Hoses", "Seed Boxes"), None,
             0.47, 0.52, 1.7),
    WebOffer("Tee Time", "TEE30", 30, ("T-Shirts",), None, 0.58, 0.63, 3.0),
    WebOffer("Made for Winter", "AUSSIE20", 20, ("Jackets", "Shoes"), "AU", 0.67, 0.73, 2.4),
    WebOffer("Holiday Packing", "PACK15", 15, ("Backpacks", "Organisers", "Bottles", "Hats"), None,
             0.77, 0.82, 1.9),
)  # fmt: skip


def web_offer_days(period: Period) -> tuple[Ints, Ints]:
    """For each offer: the number of its first day and of the day after its last; it may have none."""
    first = np.array([int(offer.starts * period.days) for offer in WEB_OFFERS])
    after = np.array([int(offer.ends * period.days) for offer in WEB_OFFERS])
    return first, after


def web_offer_on(period: Period, catalogue: Catalogue) -> Ints:
    """countries x days x products: the position in WEB_OFFERS of the offer that runs, -1 if none."""
    running = np.full((len(COUNTRIES), period.days, len(catalogue.shared)), -1)
    for position, (offer, first, after) in enumerate(zip(WEB_OFFERS, *web_offer_days(period), strict=True)):
        countries = [code for code in COUNTRIES if offer.country in (None, code)]
        products = np.flatnonzero(catalogue.in_categories(offer.categories))
        for country in countries:
            running[list(COUNTRIES).index(country), first:after, products] = position
    return running
