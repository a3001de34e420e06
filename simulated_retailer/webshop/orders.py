"""The web shop's orders: user, time, items and offer, then shipping, delivery, cancelling and returning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period, whole_seconds
from simulated_retailer.population.demand import Demand, moments
from simulated_retailer.population.geography import COUNTRIES
from simulated_retailer.population.personas import CONSUMER_HOURS, habit
from simulated_retailer.webshop.catalogue import Catalogue
from simulated_retailer.webshop.demand import Shoppers
from simulated_retailer.webshop.offers import WEB_OFFERS, web_offer_on

_CANCELLED = 0.03
_KNOWS_THE_CODE = 0.9
_CAP = 0.7
"""Share of the possible redemptions that a capped offer allows."""
_RETURNED_MORE = 1.6
"""Returns of the web shop's orders, relative to those of the persona's lines in the ERP."""
_SENT_BACK = 0.6
"""Share of a returned order's items that come back."""


@dataclass(frozen=True)
class WebOrders:
    """One value per order, in order of being placed."""

    user: Ints
    """Position among the users."""
    placed: Ints
    day: Ints
    first_item: Ints
    """Position of the order's first item; its items are adjacent."""
    size: Ints
    """How many items it has, at least one."""
    offer: Ints
    """Position in WEB_OFFERS of the offer that it redeems, -1 if none."""
    cancelled: Ints
    """On the day of the order, because orders have no time stamp for it; NEVER if not cancelled."""
    shipped: Ints
    delivered: Ints
    returned: Ints

    @property
    def number(self) -> Ints:
        """order_id."""
        return np.arange(len(self.placed)) + 1


@dataclass(frozen=True)
class WebItems:
    """One value per piece that was ordered, order by order."""

    order: Ints
    product: Ints
    """Position in the catalogue."""
    retail: Ints
    """In cents."""
    sale: Ints
    """In cents, after the offer."""
    returned: Ints
    """When it came back; NEVER if not."""

    @property
    def number(self) -> Ints:
        """The id."""
        return np.arange(len(self.order)) + 1


def place_web_orders(
    period: Period, shoppers: Shoppers, catalogue: Catalogue, demand: Demand, seed: int
) -> tuple[WebOrders, WebItems]:
    """All orders of the period, with their items."""
    rng = random_stream(seed, "web orders")
    user, day, placed = _placed(period, shoppers, demand, rng)
    persona = shoppers.group[user] // len(COUNTRIES)
    order, product = _baskets(shoppers.group[user], persona, day, demand, rng)
    size = np.bincount(order, minlength=len(user))
    retail = catalogue.price.at(product, period.midnight(day[order]))
    running = web_offer_on(period, catalogue)[
        shoppers.group[user[order]] % len(COUNTRIES), day[order], product
    ]
    offer = _redeemed(running, order, len(user), rng)
    discounted = (running >= 0) & (offer[order] == running)
    percent = np.array([offer.percent for offer in WEB_OFFERS])[running]
    cancelled, shipped, delivered, returned = _fulfilment(placed, persona, rng)
    first_item = np.cumsum(size) - size
    orders = WebOrders(user, placed, day, first_item, size, offer, cancelled, shipped, delivered, returned)
    back = rng.random(len(order)) < _SENT_BACK
    back[first_item] = True
    return orders, WebItems(
        order=order,
        product=product,
        retail=retail,
        sale=np.where(discounted, (retail * (100 - percent) + 50) // 100, retail),
        returned=np.where(back, returned[order], NEVER),
    )


def _placed(
    period: Period, shoppers: Shoppers, demand: Demand, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """User, day and time of every order, in order of time."""
    rate = shoppers.per_day * demand.orders_between(shoppers.group, shoppers.first, shoppers.after)
    user = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    day = demand.day(shoppers.group[user], shoppers.first[user], shoppers.after[user], rng.random(len(user)))
    placed = moments(period, day, weighted(rng, CONSUMER_HOURS, len(user)), rng)
    by_time = np.argsort(placed, kind="stable")
    return user[by_time], day[by_time], placed[by_time]


def _baskets(
    group: Ints, persona: Ints, day: Ints, demand: Demand, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Order and product of every piece."""
    most, likely = habit("most_lines").astype(np.int64), habit("line_chance")
    lines = 1 + rng.binomial(most[persona] - 1, likely[persona])
    order = np.repeat(np.arange(len(group)), lines)
    product = demand.product(group[order], day[order], rng.random(len(order)))
    pieces = 1 + rng.poisson(habit("extra_pieces")[persona[order]])
    return np.repeat(order, pieces), np.repeat(product, pieces)


def _redeemed(running: Ints, order: Ints, orders: int, rng: np.random.Generator) -> Ints:
    """Per order: the offer that it redeems, until the offer's cap is reached; -1 if none."""
    offer = np.full(orders, -1)
    np.maximum.at(offer, order, running)
    offer[rng.random(orders) >= _KNOWS_THE_CODE] = -1
    for position, kind in enumerate(WEB_OFFERS):
        redeeming = np.flatnonzero(offer == position)
        if kind.capped:
            offer[redeeming[int(_CAP * len(redeeming)) :]] = -1
    return offer


def _fulfilment(placed: Ints, persona: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """When each order is cancelled, shipped, delivered and returned; NEVER for what does not happen."""
    size = len(placed)
    is_cancelled: Flags = rng.random(size) < _CANCELLED
    seconds_left = (DAY - placed % DAY) // SECOND
    cancelled = placed + np.floor(rng.random(size) * seconds_left).astype(np.int64) * SECOND
    shipped = placed + whole_seconds(rng.gamma(2.0, 0.9, size) + 0.1)
    delivered = shipped + whole_seconds(rng.uniform(1, 6, size))
    is_returned = rng.random(size) < habit("return_rate")[persona] * _RETURNED_MORE
    returned = delivered + whole_seconds(rng.uniform(2, 35, size))
    return (
        np.where(is_cancelled, cancelled, NEVER),
        np.where(is_cancelled, NEVER, shipped),
        np.where(is_cancelled, NEVER, delivered),
        np.where(is_returned & ~is_cancelled, returned, NEVER),
    )
