"""Demand in the ERP: of each persona for each product on each day, with special offers."""

from __future__ import annotations

import numpy as np

from simulated_retailer.engine.arrays import Floats
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.erp.customers import Customers
from simulated_retailer.erp.offers import OFFERS, offer_on
from simulated_retailer.erp.products import Products
from simulated_retailer.population.demand import Demand, active_days, lines_of_an_order, seasons, tastes
from simulated_retailer.population.personas import CONSUMER_WEEK, PERSONAS, STORE_WEEK, WHOLESALE, habit


def expected_demand(period: Period, customers: Customers, products: Products) -> Demand:
    """The demand that these customers have for these products."""
    return Demand.of(_without_offers(period, products) * _uplifts(period, customers, products))


def _without_offers(period: Period, products: Products) -> Floats:
    """personas x days x products: demand if nothing were ever on offer."""
    on_sale = products.on_sale(period.midnight(np.arange(period.days)))
    week = np.array([CONSUMER_WEEK] * WHOLESALE + [STORE_WEEK])[:, period.weekday()]
    by_day = seasons(period, products.category) * on_sale
    return week[:, :, None] * by_day * tastes(products.category, products.popularity)[:, None, :]


def _uplifts(period: Period, customers: Customers, products: Products) -> Floats:
    """personas x days x products: the factor by which offers raise demand.

    Personas differ in how far an offer moves them, so their factors are scaled to have the
    planted uplift as their average over everyone who could have bought.
    """
    affinity = habit("offer_affinity")
    buying = _usual_pieces(period, customers)[:, None] * tastes(products.category, products.popularity)
    gain = np.array([offer.uplift - 1 for offer in OFFERS] + [0.0])
    factors = np.ones((len(PERSONAS), period.days, len(products.line)))
    for reseller in (False, True):
        personas = np.flatnonzero((np.arange(len(PERSONAS)) == WHOLESALE) == reseller)
        total = buying[personas].sum(axis=0)
        average = (affinity[personas] @ buying[personas]) / np.where(total > 0, total, 1)
        relative = affinity[personas][:, None] / np.where(average > 0, average, 1)
        factors[personas] += relative[:, None, :] * gain[offer_on(period, reseller)]
    return factors


def _usual_pieces(period: Period, customers: Customers) -> Floats:
    """How many pieces all customers of each persona order, without offers."""
    first, after = active_days(period, customers.registered, customers.stops)
    yearly = np.bincount(customers.persona, customers.orders_per_year * (after - first), len(PERSONAS))
    return yearly * lines_of_an_order() * (1 + habit("extra_pieces"))
