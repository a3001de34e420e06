"""Loyalty points: earned with orders, used, lost with returns, expired. A balance is never negative."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.crm.schema import CRM
from simulated_retailer.engine.arrays import Floats, Ints, pick
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import NEVER, SECOND, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.population.people import People
from simulated_retailer.sales import CHANNELS, Refunds, Sales

_TYPES = ("earn", "redeem", "expire", "adjust")
_EARN, _REDEEM, _EXPIRE, _ADJUST = range(len(_TYPES))
_CURRENCY = 1_000_000
_REDEEMS = 0.14
"""Share of orders after which the consumer uses points."""
_FEWEST_TO_REDEEM = 100
_WELCOME, _GIFT = 500, 100
_EXPIRES_EVERY, _EXPIRING = 91, 0.15
"""Days, and the share of the balance that inactive consumers lose."""
_INACTIVE = 0.25


@dataclass(frozen=True)
class Activities:
    """One value per activity, consumer by consumer in order of time."""

    consumer: Ints
    """Position among the consumers."""
    moment: Ints
    kind: Ints
    """Position in _TYPES."""
    earned: Ints
    redeemed: Ints
    sale: Ints
    """Position among the sales, -1 if none."""
    balance: Ints
    """Afterwards."""

    def balance_at(self, consumer: Ints, moment: Ints) -> Ints:
        """The points of each consumer at each time, paired; both ascending."""
        first = self.moment.min(initial=0)
        span = max(moment.max(initial=0), self.moment.max(initial=0)) - first + 1
        seconds = span // SECOND + 2
        key = self.consumer * seconds + (self.moment - first) // SECOND + 1
        asked = consumer * seconds + np.maximum((moment - first) // SECOND + 1, 0)
        found = np.searchsorted(key, asked, side="right") - 1
        mine = (found >= 0) & (self.consumer[found] == consumer) if len(key) else found >= 0
        return np.where(mine, self.balance[found], 0) if len(key) else np.zeros(len(consumer), np.int64)


@dataclass(frozen=True)
class _Wishes:
    """Activities before it is known whether the balance allows them."""

    consumer: Ints
    moment: Ints
    kind: Ints
    points: Ints
    """Points to add; negative: to take off, as far as there are any."""
    part: Floats
    """Share of the balance to take off instead; 0 where `points` says how many."""
    sale: Ints


def loyalty(
    period: Period, people: People, of_person: Ints, sales: Sales, refunds: Refunds, seed: int
) -> Activities:
    """All activities of the period; `of_person` is each person's position among the consumers."""
    rng = random_stream(seed, "loyalty")
    member = np.flatnonzero(of_person >= 0)
    parts = [
        _welcomes(period, people, member, rng),
        *_of_sales(sales, refunds, rng),
        *_expiries(period, member, rng),
    ]
    person, moment, kind, points, part, sale = (np.concatenate(column) for column in zip(*parts, strict=True))
    consumer = of_person[person]
    known = (consumer >= 0) & (moment >= people.crm_since[person]) & (moment < people.erased[person])
    known &= moment < period.end
    order = np.flatnonzero(known)
    order = order[np.lexsort((kind[order], moment[order], consumer[order]))]
    return _settled(
        _Wishes(consumer[order], moment[order], kind[order], points[order], part[order], sale[order])
    )


_Wish = tuple[Ints, Ints, Ints, Ints, Floats, Ints]


def _wish(
    person: Ints, moment: Ints, kind: int, points: Ints, part: Floats | float = 0.0, sale: Ints | int = -1
) -> _Wish:
    size = len(person)
    return (
        person,
        moment,
        np.full(size, kind),
        points,
        np.broadcast_to(np.asarray(part, dtype=np.float64), size),
        np.broadcast_to(np.asarray(sale, dtype=np.int64), size),
    )


def _welcomes(period: Period, people: People, member: Ints, rng: np.random.Generator) -> _Wish:
    """Points that members start with: a gift, or their old balance if they joined before the first day."""
    old = people.crm_since[member] < period.begin
    points = rng.integers(0, np.where(old, _WELCOME, _GIFT), endpoint=True)
    moment = np.maximum(people.crm_since[member], period.begin)
    return _wish(member, moment, _ADJUST, points)


def _of_sales(sales: Sales, refunds: Refunds, rng: np.random.Generator) -> list[_Wish]:
    sold = np.flatnonzero(sales.shipped != NEVER)
    using = sold[rng.random(len(sold)) < _REDEEMS]
    wait = whole_seconds(rng.uniform(0.5, 20, len(using)))
    nothing = np.zeros(len(using), dtype=np.int64)
    used = rng.uniform(0.2, 0.95, len(using))
    lost = -(refunds.amount // _CURRENCY)
    return [
        _wish(sales.person[sold], sales.shipped[sold], _EARN, sales.value[sold] // _CURRENCY, sale=sold),
        _wish(sales.person[using], sales.shipped[using] + wait, _REDEEM, nothing, used, using),
        _wish(sales.person[refunds.sale], refunds.returned, _ADJUST, lost, sale=refunds.sale),
    ]


def _expiries(period: Period, member: Ints, rng: np.random.Generator) -> list[_Wish]:
    """Every quarter some inactive members lose a share of their points."""
    wishes = []
    for day in range(_EXPIRES_EVERY, period.days, _EXPIRES_EVERY):
        inactive = member[rng.random(len(member)) < _INACTIVE]
        moment = np.full(len(inactive), period.midnight(day) + 3600 * SECOND)
        wishes.append(_wish(inactive, moment, _EXPIRE, np.zeros(len(inactive), dtype=np.int64), _EXPIRING))
    return wishes


def _settled(wish: _Wishes) -> Activities:
    """The activities that balances allow: the n-th of all consumers at once, for every n."""
    size = len(wish.consumer)
    nth = np.arange(size) - np.searchsorted(wish.consumer, wish.consumer)
    by_nth = np.argsort(nth, kind="stable")
    edges = np.searchsorted(nth[by_nth], np.arange(nth.max(initial=-1) + 2))
    balance = np.zeros(wish.consumer.max(initial=-1) + 1, dtype=np.int64)
    change, after = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for first, last in pairwise(edges):
        now = by_nth[first:last]
        has = balance[wish.consumer[now]]
        enough = (wish.kind[now] != _REDEEM) | (has >= _FEWEST_TO_REDEEM)
        taken = np.where(enough, np.floor(has * wish.part[now]).astype(np.int64), 0)
        change[now] = np.maximum(wish.points[now] - taken, -has)
        after[now] = has + change[now]
        balance[wish.consumer[now]] = after[now]
    done = np.flatnonzero(change != 0)
    return Activities(
        consumer=wish.consumer[done],
        moment=wish.moment[done],
        kind=wish.kind[done],
        earned=np.maximum(change[done], 0),
        redeemed=np.maximum(-change[done], 0),
        sale=wish.sale[done],
        balance=after[done],
    )


def activity_table(period: Period, activities: Activities, sales: Sales) -> pa.Table:
    """loyalty_activities, numbered in order of time."""
    in_order = np.argsort(activities.moment, kind="stable")
    moment, sale = activities.moment[in_order], activities.sale[in_order]
    return version_table(
        CRM,
        "loyalty_activities",
        versions(moment, end=period.end),
        {
            "loyalty_activity_id": np.arange(len(moment)) + 1,
            "activity_at": moment,
            "consumer_id": activities.consumer[in_order] + 1,
            "activity_type": pick(_TYPES, activities.kind[in_order]),
            "points_earned": activities.earned[in_order],
            "points_redeemed": activities.redeemed[in_order],
            "order_reference": _references(sales).take(pa.array(sale, mask=sale < 0)),
        },
    )


def _references(sales: Sales) -> pa.Array:
    """`erp:<SalesOrderID>` or `webshop:<order_id>` of every sale."""
    number = pa.array(sales.number).cast(pa.string())
    return pc.binary_join_element_wise(pick(CHANNELS, sales.channel), number, ":")
