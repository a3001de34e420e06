"""What happens to orders after they are placed: shipping, cancelling and late corrections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period, whole_seconds
from simulated_retailer.erp.faults import OrderFaults
from simulated_retailer.erp.orders import Lines, Orders

_CANCELLED = 0.015
_QUANTITY, _LINE_REMOVED, _DATE, _NOTHING = range(4)
_HOW_OFTEN = (0.010, 0.004, 0.002, 0.984)
_HOW_OFTEN_WITH_ONE_LINE = (0.010, 0.012, 0.002, 0.976)
"""Orders with one line lose it more often; their header stays, without lines."""
_FIRST_DAY, _LAST_DAY = 3, 60


@dataclass(frozen=True)
class Fulfilment:
    """When every order and line changes; NEVER for what does not happen."""

    fulfilled: Ints
    """Per order: when it is shipped or cancelled."""
    cancelled: Flags
    """Per order: which of the two."""
    corrected: Ints
    """Per order: when its quantity, lines or date are corrected; at most once."""
    right_date: Ints
    """Per order: OrderDate from `corrected` on."""
    line_changed: Ints
    """Per line."""
    line_removed: Ints
    """Per line."""
    right_quantity: Ints
    """Per line: its quantity from `line_changed` on."""


def fulfil_orders(period: Period, orders: Orders, lines: Lines, faults: OrderFaults, seed: int) -> Fulfilment:
    """Ships or cancels every order, and corrects a few of the shipped ones days or weeks later."""
    rng = random_stream(seed, "fulfilment")
    size = len(orders.placed)
    cancelled = rng.random(size) < _CANCELLED
    wait = np.where(cancelled, rng.uniform(0.001, 2, size), rng.uniform(1, 7, size))
    fulfilled = orders.placed + whole_seconds(wait)

    rng = random_stream(seed, "corrections")
    kind = np.where(
        orders.size == 1,
        weighted(rng, _HOW_OFTEN_WITH_ONE_LINE, size),
        weighted(rng, _HOW_OFTEN, size),
    )
    kind[cancelled | faults.faulty] = _NOTHING
    right_date = orders.placed - rng.integers(1, 3, size, endpoint=True) * DAY
    # An order cannot be corrected to a day before the retailer's first one.
    kind[(kind == _DATE) & (right_date < period.begin)] = _NOTHING
    moment = orders.placed + whole_seconds(rng.uniform(_FIRST_DAY, _LAST_DAY, size))
    # Two changes of a row at the same time would be one version.
    moment += np.where(moment == fulfilled, SECOND, 0)
    target = orders.first_line + rng.integers(orders.size)
    up = rng.random(len(lines.order)) < 0.5
    return Fulfilment(
        fulfilled=fulfilled,
        cancelled=cancelled,
        corrected=np.where(kind != _NOTHING, moment, NEVER),
        right_date=np.where(kind == _DATE, right_date, orders.placed),
        line_changed=_on_line(len(up), target, moment, kind == _QUANTITY),
        line_removed=_on_line(len(up), target, moment, kind == _LINE_REMOVED),
        right_quantity=lines.quantity + np.where(up | (lines.quantity == 1), 1, -1),
    )


def _on_line(lines: int, target: Ints, moment: Ints, happens: Flags) -> Ints:
    """Per line: the time of what happens to the orders' target lines."""
    moments = np.full(lines, NEVER)
    moments[target[happens]] = moment[happens]
    return moments
