"""Demand in the web shop: of each persona in each country, for each product on each day, with offers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Floats, Ints
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.population.demand import Demand, active_days, lines_of_an_order, seasons, tastes
from simulated_retailer.population.geography import COUNTRIES, COUNTRY_NUMBER_OF_CITY
from simulated_retailer.population.people import People
from simulated_retailer.population.personas import CONSUMER_WEEK, PERSONAS, habit
from simulated_retailer.webshop.catalogue import Catalogue
from simulated_retailer.webshop.offers import WEB_OFFERS, web_offer_on
from simulated_retailer.webshop.users import Users

_ORDERS = 0.9
"""Orders in the web shop, relative to those of the persona in the ERP."""


@dataclass(frozen=True)
class Shoppers:
    """How each user shops; one value per user."""

    group: Ints
    """Persona and country: persona * number of countries + country."""
    per_day: Floats
    """Orders on an average day."""
    first: Ints
    after: Ints
    """The days on which the user may order, `[first, after)`."""


def shoppers_of(period: Period, people: People, users: Users) -> Shoppers:
    """How each user shops."""
    country = COUNTRY_NUMBER_OF_CITY[users.city]
    first, after = active_days(period, people.webshop_since[users.person], people.stops[users.person])
    return Shoppers(
        group=people.persona[users.person] * len(COUNTRIES) + country,
        per_day=people.orders_per_year[users.person] * _ORDERS / 365,
        first=first,
        after=after,
    )


def expected_web_demand(period: Period, catalogue: Catalogue, shoppers: Shoppers) -> tuple[Demand, pa.Table]:
    """The demand for the catalogue, and the truth on offers: the extra pieces expected of each."""
    plain = _without_offers(period, catalogue)
    running = web_offer_on(period, catalogue)
    pieces = _pieces(period, shoppers)
    weights = plain * _uplifts(plain, running, pieces)
    return Demand.of(weights), _offer_truth(catalogue, running, pieces, plain, weights)


def _without_offers(period: Period, catalogue: Catalogue) -> Floats:
    """groups x days x products: demand if nothing were ever on offer."""
    on_sale = catalogue.on_sale(period.midnight(np.arange(period.days)))
    week = CONSUMER_WEEK[period.weekday()][:, None]
    by_day = week * seasons(period, catalogue.category) * on_sale
    taste = tastes(catalogue.category, catalogue.popularity)
    return np.repeat(taste, len(COUNTRIES), axis=0)[:, None, :] * by_day


def _pieces(period: Period, shoppers: Shoppers) -> Floats:
    """groups x days: the pieces that a group's active users would order on an average day."""
    groups = len(PERSONAS) * len(COUNTRIES)
    change = np.zeros((groups, period.days + 1))
    np.add.at(change, (shoppers.group, shoppers.first), shoppers.per_day)
    np.subtract.at(change, (shoppers.group, shoppers.after), shoppers.per_day)
    per_order = lines_of_an_order() * (1 + habit("extra_pieces"))
    return change.cumsum(axis=1)[:, :-1] * np.repeat(per_order, len(COUNTRIES))[:, None]


def _uplifts(plain: Floats, running: Ints, pieces: Floats) -> Floats:
    """groups x days x products: the factor by which offers raise demand.

    Personas differ in how far an offer moves them, so their factors are scaled to have the
    planted uplift as their average over all pieces that would have been bought anyway.
    """
    affinity = np.repeat(habit("offer_affinity"), len(COUNTRIES))
    country = np.tile(np.arange(len(COUNTRIES)), len(PERSONAS))
    factors = np.ones(plain.shape)
    for position, offer in enumerate(WEB_OFFERS):
        covered = running == position
        anyway = np.where(covered[country], pieces[:, :, None] * plain, 0).sum(axis=(1, 2))
        average = (affinity @ anyway) / anyway.sum() if anyway.sum() > 0 else 1.0
        gain = (offer.uplift - 1) * affinity / average
        factors += gain[:, None, None] * covered[country]
    return factors


def _offer_truth(
    catalogue: Catalogue, running: Ints, pieces: Floats, plain: Floats, weights: Floats
) -> pa.Table:
    """One row per offer: planted factor, expected pieces with and without it, and for what."""
    country = np.tile(np.arange(len(COUNTRIES)), len(PERSONAS))
    rows = []
    for position, offer in enumerate(WEB_OFFERS):
        covered = (running == position)[country]
        expected, anyway = (
            float(np.where(covered, pieces[:, :, None] * demand, 0).sum()) for demand in (weights, plain)
        )
        products = catalogue.number[catalogue.in_categories(offer.categories)]
        rows.append(
            {
                "uplift": offer.uplift,
                "expected_pieces": expected,
                "expected_extra_pieces": expected - anyway,
                "country": None if offer.country is None else COUNTRIES[offer.country],
                "webshop_product_ids": sorted(products.tolist()),
            }
        )
    return pa.Table.from_pylist(
        rows,
        schema=pa.schema(
            {
                "uplift": pa.float64(),
                "expected_pieces": pa.float64(),
                "expected_extra_pieces": pa.float64(),
                "country": pa.string(),
                "webshop_product_ids": pa.list_(pa.int64()),
            }
        ),
    )
