"""Returns of shipped lines, and the few returns that are corrected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import NEVER, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.customers import Customers
from simulated_retailer.erp.faults import OrderFaults, ReturnFaults
from simulated_retailer.erp.fulfilment import Fulfilment
from simulated_retailer.erp.orders import Lines, Orders
from simulated_retailer.erp.schema import ERP
from simulated_retailer.population.personas import habit

_CORRECTED = 0.2
"""Share of the returns of lines with several pieces."""
_REASONS = ("Does not fit", "Damaged in transit", "Not as described", "Changed mind",
            "Arrived too late", "Wrong item sent", "Quality not as expected")  # fmt: skip
_REASON_WEIGHTS = (5, 2, 3, 6, 1.5, 1, 3)


@dataclass(frozen=True)
class Returns:
    """One value per return, in order of time."""

    line: Ints
    """Position among the lines."""
    returned: Ints
    quantity: Ints
    corrected: Ints
    """NEVER if not corrected."""
    right_quantity: Ints
    """The quantity from `corrected` on."""
    reason: Ints
    """Position in the reasons."""

    @property
    def number(self) -> Ints:
        """SalesReturnID."""
        return np.arange(len(self.line)) + 1

    @property
    def untouched(self) -> Flags:
        """Whether it is never corrected."""
        found: Flags = self.corrected == NEVER
        return found


def generate_returns(
    period: Period,
    customers: Customers,
    orders: Orders,
    lines: Lines,
    fulfilment: Fulfilment,
    faults: OrderFaults,
    seed: int,
) -> Returns:
    """The returns within the period, of shipped lines that are neither removed nor faulty."""
    rng = random_stream(seed, "returns")
    size = len(lines.order)
    persona = customers.persona[orders.customer[lines.order]]
    wait = whole_seconds(rng.uniform(3, 40, size))
    comes_back = rng.random(size) < habit("return_rate")[persona]
    may = ~(fulfilment.cancelled | faults.faulty)[lines.order] & (fulfilment.line_removed == NEVER)
    returned = np.where(comes_back & may, fulfilment.fulfilled[lines.order] + wait, NEVER)
    line = np.flatnonzero(returned < period.end)
    line = line[np.argsort(returned[line], kind="stable")]

    # Never more than was ordered, whether before or after the line's own correction.
    corrected_line = fulfilment.line_changed[line] != NEVER
    after = np.where(corrected_line, fulfilment.right_quantity[line], lines.quantity[line])
    most = np.minimum(lines.quantity[line], after)
    quantity = rng.integers(1, most, endpoint=True)
    changes = (most > 1) & (rng.random(len(line)) < _CORRECTED)
    later = returned[line] + whole_seconds(rng.uniform(0.5, 10, len(line)))
    return Returns(
        line=line,
        returned=returned[line],
        quantity=quantity,
        corrected=np.where(changes & (later < period.end), later, NEVER),
        right_quantity=quantity % np.maximum(most, 1) + 1,
        reason=weighted(rng, _REASON_WEIGHTS, len(line)),
    )


def return_table(
    period: Period, returns: Returns, lines: Lines, numbers: tuple[Ints, Ints], faults: ReturnFaults
) -> pa.Table:
    """SalesReturn; `numbers` are the SalesOrderID and SalesOrderDetailID of every line.

    A refund is the returned pieces' share of the LineTotal, rounded half up.
    """
    which = versions(returns.returned, returns.corrected, end=period.end)
    line = which.of(returns.line)
    pieces = np.where(
        which.after(returns.corrected), which.of(returns.right_quantity), which.of(returns.quantity)
    )
    refund = lines.price[line] * (100 - lines.percent[line]) * pieces
    order_id, line_id = numbers
    return version_table(
        ERP,
        "SalesReturn",
        which,
        {
            "SalesReturnID": which.of(returns.number),
            "SalesOrderID": order_id[line],
            "SalesOrderDetailID": line_id[line],
            "ReturnDate": np.where(which.of(faults.without_date), NEVER, which.of(returns.returned)),
            "Quantity": np.where(which.of(faults.zero_quantity), 0, pieces),
            "Reason": pa.array(_REASONS).take(pa.array(which.of(returns.reason))),
            "RefundAmount": (refund + 50) // 100,
        },
    )
