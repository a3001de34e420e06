"""Planted faults of the ERP: a few wrong values, chosen before orders are shipped or returned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.erp.orders import Lines, Orders

_OF_LINES, _LEAST_LINES = 0.0003, 4
_OF_ORDERS, _LEAST_ORDERS = 0.0001, 3
_OF_RETURNS, _LEAST_RETURNS = 0.0001, 2
_ENOUGH_LINES = 2000
"""From this many lines on, every kind of fault occurs at least a few times."""


@dataclass(frozen=True)
class OrderFaults:
    """Wrong orders and lines; a faulty order has one fault and is never corrected or returned."""

    faulty: Flags
    """Per order: whether anything is wrong with it."""
    without_customer: Flags
    """Per order."""
    zero_quantity: Flags
    """Per line."""

    def quantity(self, right: Ints) -> Ints:
        """The quantities that the ERP has where these are the right ones."""
        return np.where(self.zero_quantity, 0, right)


@dataclass(frozen=True)
class ReturnFaults:
    """Wrong returns, per return."""

    zero_quantity: Flags
    without_date: Flags


def choose_order_faults(orders: Orders, lines: Lines, seed: int) -> OrderFaults:
    """About one line in 3,000 without a quantity. Fewer orders without a customer, who count all the same."""
    rng = random_stream(seed, "order faults")
    count = len(lines.order)
    wrong_lines = _how_many(_OF_LINES, _LEAST_LINES, count)
    wrong_orders = _how_many(_OF_ORDERS, _LEAST_ORDERS, count)
    order = rng.choice(len(orders.placed), wrong_lines + wrong_orders, replace=False)
    ordered, unowned = order[:wrong_lines], order[wrong_lines:]
    line = orders.first_line[ordered] + rng.integers(orders.size[ordered])
    return OrderFaults(
        faulty=_flags(len(orders.placed), order),
        without_customer=_flags(len(orders.placed), unowned),
        zero_quantity=_flags(count, line),
    )


def choose_return_faults(lines: int, may_be_wrong: Flags, seed: int) -> ReturnFaults:
    """A few of the returns that may be wrong, as rare as other faults among so many lines."""
    candidates = np.flatnonzero(may_be_wrong)
    each = min(_how_many(_OF_RETURNS, _LEAST_RETURNS, lines), len(candidates) // 2)
    chosen = random_stream(seed, "return faults").choice(candidates, 2 * each, replace=False)
    return ReturnFaults(
        zero_quantity=_flags(len(may_be_wrong), chosen[:each]),
        without_date=_flags(len(may_be_wrong), chosen[each:]),
    )


def _how_many(share: float, least: int, lines: int) -> int:
    usual = round(share * lines)
    return max(usual, least) if lines >= _ENOUGH_LINES else usual


def _flags(size: int, positions: Ints) -> Flags:
    flags = np.zeros(size, dtype=np.bool_)
    flags[positions] = True
    return flags
