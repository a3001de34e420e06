"""Orders as they are placed: customer, time, products, quantities, prices and offers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.erp.customers import Customers
from simulated_retailer.erp.offers import NO_OFFER, OFFERS, offer_on
from simulated_retailer.erp.products import Products
from simulated_retailer.population.demand import Demand, active_days, moments
from simulated_retailer.population.geography import STATE_OF_CITY
from simulated_retailer.population.personas import CONSUMER_HOURS, STORE_HOURS, habit

_IN_SHOP = 0.12
_STORE_PERCENT = 60
"""What stores pay of the list price."""


@dataclass(frozen=True)
class Orders:
    """One value per order, in order of being placed."""

    placed: Ints
    day: Ints
    customer: Ints
    """Position among the customers."""
    from_store: Flags
    online: Flags
    state: Ints
    """Position in STATES of where the customer lived."""
    first_line: Ints
    """Position of the order's first line; its lines are adjacent."""
    size: Ints
    """How many lines it was placed with, at least one."""


@dataclass(frozen=True)
class Lines:
    """One value per order line, order by order."""

    order: Ints
    """Position among the orders."""
    product: Ints
    quantity: Ints
    price: Ints
    """UnitPrice in units of 0.0001."""
    percent: Ints
    """The discount."""
    offer: Ints
    """SpecialOfferID."""

    def total(self, quantity: Ints) -> Ints:
        """The exact LineTotal if each line had this quantity, in units of 0.000001."""
        return self.price * (100 - self.percent) * quantity


def place_orders(
    period: Period, customers: Customers, products: Products, demand: Demand, seed: int
) -> tuple[Orders, Lines]:
    """All orders of the period, with their lines."""
    customer, day, placed = _placed(period, customers, demand, seed)
    order, product, quantity = _baskets(period, customers, products, demand, customer, day, seed)
    from_store = customers.is_store[customer]
    size = np.bincount(order, minlength=len(customer))
    in_shop = random_stream(seed, "channel").random(len(customer)) < _IN_SHOP
    orders = Orders(
        placed=placed,
        day=day,
        customer=customer,
        from_store=from_store,
        online=~from_store & ~in_shop,
        state=STATE_OF_CITY[customers.city_at(customer, placed)],
        first_line=np.cumsum(size) - size,
        size=size,
    )
    return orders, _priced(period, products, orders, order, product, quantity)


def _placed(period: Period, customers: Customers, demand: Demand, seed: int) -> tuple[Ints, Ints, Ints]:
    """Customer, day and time of every order, in order of time."""
    rng = random_stream(seed, "orders")
    first, after = active_days(period, customers.registered, customers.stops)
    rate = customers.orders_per_year / 365 * demand.orders_between(customers.persona, first, after)
    customer = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    day = demand.day(customers.persona[customer], first[customer], after[customer], rng.random(len(customer)))
    hour = np.where(
        customers.is_store[customer],
        weighted(rng, STORE_HOURS, len(customer)),
        weighted(rng, CONSUMER_HOURS, len(customer)),
    )
    placed = moments(period, day, hour, rng)
    by_time = np.argsort(placed, kind="stable")
    return customer[by_time], day[by_time], placed[by_time]


def _baskets(
    period: Period,
    customers: Customers,
    products: Products,
    demand: Demand,
    customer: Ints,
    day: Ints,
    seed: int,
) -> tuple[Ints, Ints, Ints]:
    """Order, product and quantity of every line; an order has each product at most once."""
    rng = random_stream(seed, "baskets")
    persona = customers.persona[customer]
    most, likely = habit("most_lines").astype(np.int64), habit("line_chance")
    drawn = 1 + rng.binomial(most[persona] - 1, likely[persona])
    order = np.repeat(np.arange(len(customer)), drawn)
    product = demand.product(persona[order], day[order], rng.random(len(order)))
    leading = product[np.cumsum(drawn) - drawn]
    companion = products.companion[leading]
    on_sale = products.on_sale(period.midnight(np.arange(period.days)))[day, companion]
    tempted = rng.random(len(customer)) < products.companion_chance[leading]
    joining = np.flatnonzero(tempted & on_sale)
    order = np.concatenate([order, joining])
    product = np.concatenate([product, companion[joining]])
    quantity = 1 + rng.poisson(habit("extra_pieces")[persona[order]])
    # A product that is drawn twice becomes one line with the pieces of both.
    size = len(products.line)
    kept, which = np.unique(order * size + product, return_inverse=True)
    pieces = np.bincount(which, quantity, len(kept)).astype(np.int64)
    return kept // size, kept % size, pieces


def _priced(
    period: Period, products: Products, orders: Orders, order: Ints, product: Ints, quantity: Ints
) -> Lines:
    """Lines at the prices and under the offers of the day they were ordered on."""
    by_store, day = orders.from_store[order], orders.day[order]
    listed = products.price.at(product, period.midnight(day))
    running = np.where(
        by_store,
        offer_on(period, reseller=True)[day, product],
        offer_on(period, reseller=False)[day, product],
    )
    percent = np.array([offer.percent for offer in OFFERS] + [0])
    return Lines(
        order=order,
        product=product,
        quantity=quantity,
        price=np.where(by_store, (listed * _STORE_PERCENT + 50) // 100, listed),
        percent=percent[running],
        offer=np.where(running >= 0, NO_OFFER + 1 + running, NO_OFFER),
    )
