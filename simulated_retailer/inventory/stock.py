"""Stock, day by day: purchases, transfers between centers, write-offs and count differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Flags, Floats, Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import NEVER, SECOND, Period
from simulated_retailer.inventory.centers import CENTERS
from simulated_retailer.inventory.goods import Goods
from simulated_retailer.inventory.movements import (
    ADJUSTMENT,
    RECEIPT,
    TRANSFER_IN,
    TRANSFER_OUT,
    WRITE_OFF,
    Movements,
    movements_of,
)

_HOUR = 3600 * SECOND
_NIGHT = 0
"""Everything comes in at midnight, before anything can leave on the day."""
_ORDERED, _COUNTED, _WRITTEN_OFF = 17 * _HOUR, 23 * _HOUR, 23 * _HOUR + _HOUR // 2
_EXPECTED_DAYS, _SOONEST, _LATEST = 10, 5, 20
_SAFETY_DAYS, _COVERED_DAYS = 6, 35
_SHORT, _SHORT_PERCENT, _NEVER_COMES = 0.06, 80, 0.015
_DAMAGED, _MISCOUNTED = 0.003, 0.002


@dataclass(frozen=True)
class Purchases:
    """One value per purchase order, in order of being placed."""

    place: Ints
    ordered: Ints
    quantity: Ints
    expected_day: Ints
    """Number of the day."""
    received: Ints
    """NEVER if it does not come."""
    received_quantity: Ints
    cancelled: Ints
    """NEVER if it comes."""


@dataclass(frozen=True)
class Stock:
    """Stock and its movements; places are as in Movements."""

    movements: Movements
    purchases: Purchases
    on_hand: Ints
    """days x places: at the end of each day."""
    reorder_level: Ints
    """Per place."""
    safety: Ints
    """Per place."""


def simulate_stock(period: Period, goods: Goods, flows: Movements, seed: int) -> Stock:
    """Buys and transfers so that every movement of the orders can take place; stock is never negative."""
    return _Keeper(period, goods, flows, seed).keep()


class _Keeper:
    """The days of the centers, one after the other.

    A night's receipts and transfers come before whatever leaves on the day, so that stock is
    enough at all times. What is still missing is transferred from another center or bought as a
    rush order; such a day ends with an empty stock.
    """

    def __init__(self, period: Period, goods: Goods, flows: Movements, seed: int) -> None:
        self._period, self._flows = period, flows
        self._places = goods.stocked.size
        self._stocked = goods.stocked.ravel()
        day = period.day_of(flows.moved)
        self._leaving = self._daily(day, np.maximum(-flows.quantity, 0))
        self._coming = self._daily(day, np.maximum(flows.quantity, 0))
        first = np.repeat(np.clip(period.day_of(goods.sold_from), 0, period.days), len(CENTERS))
        last = np.repeat(period.day_of(np.minimum(goods.sold_until, period.end)), len(CENTERS))
        self._first, self._last = first, last
        per_day = self._leaving.sum(axis=0) / np.maximum(last - first, 1)
        self.safety = np.where(self._stocked, np.ceil(per_day * _SAFETY_DAYS).astype(np.int64) + 1, 0)
        self.reorder_level = self.safety + np.ceil(per_day * _EXPECTED_DAYS).astype(np.int64)
        self._target = self.reorder_level + np.ceil(per_day * _COVERED_DAYS).astype(np.int64) + 2
        self._draw(random_stream(seed, "stock"))
        self._arriving = np.zeros((period.days + _LATEST + 1, self._places), dtype=np.int64)
        self._settled = np.zeros_like(self._arriving)
        self._movements: list[Movements] = []
        self._purchases: list[tuple[Ints, ...]] = []

    def _daily(self, day: Ints, quantity: Ints) -> Ints:
        cell = day * self._places + self._flows.place
        sums = np.bincount(cell, quantity, self._period.days * self._places)
        return sums.astype(np.int64).reshape(self._period.days, self._places)

    def _draw(self, rng: np.random.Generator) -> None:
        shape = self._leaving.shape
        self._fate: Floats = rng.random(shape)
        self._lead = rng.integers(_SOONEST, _LATEST, size=shape, endpoint=True)
        self._damage = np.where(rng.random(shape) < _DAMAGED, rng.integers(1, 4, size=shape), 0)
        self._error = np.where(rng.random(shape) < _MISCOUNTED, rng.integers(-2, 3, size=shape), 0)

    def keep(self) -> Stock:
        days = self._period.days
        on_hand = np.zeros(self._places, dtype=np.int64)
        on_order = np.zeros(self._places, dtype=np.int64)
        levels = np.zeros((days, self._places), dtype=np.int64)
        for day in range(days):
            on_hand += self._opening(day) + self._arriving[day]
            on_order -= self._settled[day]
            on_hand += self._made_up(day, np.maximum(self._leaving[day] - on_hand, 0), on_hand)
            on_hand += self._coming[day] - self._leaving[day]
            on_hand += self._corrected(day, on_hand)
            on_order += self._ordered(day, on_hand + on_order)
            levels[day] = on_hand
        purchases = Purchases(*(np.concatenate(part) for part in zip(*self._purchases, strict=True)))
        return Stock(
            Movements.joined(*self._movements, self._flows),
            purchases,
            levels,
            self.reorder_level,
            self.safety,
        )

    def _move(self, kind: int, day: int, hour: int, quantity: Ints) -> Ints:
        place = np.flatnonzero(quantity)
        moment = np.full(len(place), self._period.midnight(day) + hour)
        self._movements.append(movements_of(kind, moment, place, quantity[place]))
        return quantity

    def _opening(self, day: int) -> Ints:
        """The opening stock of products that are sold from this day on; on day 0, also of older products."""
        most = self._target - self.safety
        opening = self.safety + np.floor(self._fate[day] * most).astype(np.int64)
        opening = np.where(self._stocked & (self._first == day), opening, 0)
        return self._move(RECEIPT, day, _NIGHT, opening)

    def _made_up(self, day: int, short: Ints, on_hand: Ints) -> Ints:
        """Transfers and rush purchases for what would not be enough."""
        made = np.zeros(self._places, dtype=np.int64)
        if not short.any():
            return made
        spare = np.maximum(on_hand - self._leaving[day], 0).reshape(-1, len(CENTERS))
        wanted = short.reshape(-1, len(CENTERS)).copy()
        change = np.zeros_like(wanted)
        good = np.arange(len(wanted))
        for center in range(len(CENTERS)):
            donor = spare.argmax(axis=1)
            moved = np.minimum(wanted[:, center], spare[good, donor])
            spare[good, donor] -= moved
            change[good, donor] -= moved
            change[:, center] += moved
            wanted[:, center] -= moved
        made += self._move(TRANSFER_OUT, day, _NIGHT, np.minimum(change, 0).ravel())
        made += self._move(TRANSFER_IN, day, _NIGHT, np.maximum(change, 0).ravel())
        return made + self._rushed(day, wanted.ravel())

    def _rushed(self, day: int, quantity: Ints) -> Ints:
        place = np.flatnonzero(quantity)
        size = len(place)
        midnight = self._period.midnight(day)
        moment, pieces, never = np.full(size, midnight + _NIGHT), quantity[place], np.full(size, NEVER)
        self._purchases.append((place, moment, pieces, np.full(size, day), moment, pieces, never))
        return self._move(RECEIPT, day, _NIGHT, quantity)

    def _corrected(self, day: int, on_hand: Ints) -> Ints:
        """Count differences and damages; never more than there is."""
        there = self._stocked & (self._first <= day)
        error = np.where(there, np.maximum(self._error[day], -on_hand), 0)
        damage = np.where(there, np.minimum(self._damage[day], on_hand + error), 0)
        return self._move(ADJUSTMENT, day, _COUNTED, error) + self._move(
            WRITE_OFF, day, _WRITTEN_OFF, -damage
        )

    def _ordered(self, day: int, position: Ints) -> Ints:
        """Purchase orders for products at their reorder level; some arrive late, short or never."""
        sold: Flags = self._stocked & (self._first <= day) & (day < self._last)
        place = np.flatnonzero(sold & (position <= self.reorder_level))
        quantity = self._target[place] - position[place]
        fate, arrival = self._fate[day, place], day + self._lead[day, place]
        comes = fate >= _NEVER_COMES
        is_short = comes & (fate < _NEVER_COMES + _SHORT)
        received = np.where(comes, np.where(is_short, quantity * _SHORT_PERCENT // 100, quantity), 0)
        settled = np.where(comes, arrival, day + _EXPECTED_DAYS + 3)
        self._arriving[arrival, place] += received
        self._settled[settled, place] += quantity
        moment = self._period.midnight(settled) + _NIGHT
        ordered = np.full(len(place), self._period.midnight(day) + _ORDERED)
        self._purchases.append(
            (
                place,
                ordered,
                quantity,
                np.full(len(place), day + _EXPECTED_DAYS),
                np.where(comes, moment, NEVER),
                received,
                np.where(comes, NEVER, moment),
            )
        )
        self._move_later(moment, place, np.where(comes, received, 0))
        added = np.zeros(self._places, dtype=np.int64)
        added[place] = quantity
        return added

    def _move_later(self, moment: Ints, place: Ints, quantity: Ints) -> None:
        within = moment < self._period.end
        self._movements.append(movements_of(RECEIPT, moment[within], place[within], quantity[within]))
