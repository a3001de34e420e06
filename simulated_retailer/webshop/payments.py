"""What is paid to the web shop, and what it pays back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Flags, Ints, label
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import NEVER, SECOND, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.webshop.orders import WebItems, WebOrders
from simulated_retailer.webshop.schema import WEBSHOP

_KINDS, _KIND_WEIGHTS = ("Card", "PayPal", "Invoice"), (55, 30, 15)
_INVOICE = 2
_SLOWEST = 300
"""Seconds that a payment at the checkout takes."""


def payment_table(period: Period, orders: WebOrders, items: WebItems, seed: int) -> pa.Table:
    """payments, numbered in order of time.

    An order is paid as a whole: at the checkout, or by invoice some days after it was delivered. What is
    cancelled or sent back after it was paid is paid back as it was paid.
    """
    rng = random_stream(seed, "web payments")
    size = len(orders.placed)
    kind = weighted(rng, _KIND_WEIGHTS, size)
    is_invoice = kind == _INVOICE
    at_checkout = orders.placed + rng.integers(10, _SLOWEST, size=size) * SECOND
    days_later = whole_seconds(rng.uniform(3, 25, size))
    delivered = np.where(orders.delivered == NEVER, 0, orders.delivered)
    by_invoice = np.where(orders.delivered == NEVER, NEVER, delivered + days_later)
    paid = np.where(is_invoice, by_invoice, at_checkout)
    came_back = np.minimum(orders.cancelled, orders.returned)
    paid_back = np.where((came_back == NEVER) | (paid == NEVER), NEVER, np.maximum(paid, came_back))

    total = _sum_per_order(items, np.ones(len(items.order), dtype=np.bool_), size)
    sent_back = _sum_per_order(items, items.returned != NEVER, size)
    back = np.where(orders.cancelled != NEVER, total, sent_back)

    order = np.concatenate([np.arange(size), np.arange(size)])
    moment = np.concatenate([paid, paid_back])
    amount = np.concatenate([total, -back])
    keep = np.flatnonzero(moment < period.end)
    keep = keep[np.argsort(moment[keep], kind="stable")]
    order, moment, amount = order[keep], moment[keep], amount[keep]
    return version_table(
        WEBSHOP,
        "payments",
        versions(moment, end=period.end),
        {
            "payment_id": np.arange(len(keep)) + 1,
            "order_id": orders.number[order],
            "paid_at": moment,
            "kind": label(_KINDS, kind[order]),
            "amount": amount,
        },
    )


def _sum_per_order(items: WebItems, which: Flags, size: int) -> Ints:
    """Cents of these items, per order."""
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, items.order[which], items.sale[which])
    return sums
