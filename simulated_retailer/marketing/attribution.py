"""The clicks that orders are attributed to, by two rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints, decimals, pick
from simulated_retailer.engine.timestamps import DAY, SECOND
from simulated_retailer.marketing.campaigns import Campaigns
from simulated_retailer.marketing.touches import CLICK, Touches
from simulated_retailer.sales import CHANNELS, Sales

_WINDOW = 30 * DAY
LAST_TOUCH, LINEAR = "last_touch", "linear"


@dataclass(frozen=True)
class Paths:
    """One value per order and click in its window, order by order from the oldest click on."""

    sale: Ints
    touch: Ints
    """Position among the touches."""
    clicks: Ints
    """How many clicks the order has."""
    is_newest: np.ndarray
    """Whether it is the order's newest click; of two in one second that with the higher touch_id."""


def trace(sales: Sales, touches: Touches) -> Paths:
    """The clicks of each order's person in `[order - 30 days, order)`.

    Only of orders whose system has the person's address, and that still have revenue.
    """
    click = np.flatnonzero(touches.kind == CLICK)
    click = click[np.argsort(touches.person[click], kind="stable")]
    owed = np.flatnonzero(sales.has_email & (sales.revenue > 0))
    begin = min(touches.moment.min(initial=0), sales.dated.min(initial=0) - _WINDOW)
    last = max(touches.moment.max(initial=0), sales.dated.max(initial=0))
    span = (last - begin) // SECOND + 2

    def key(person: Ints, moment: Ints) -> Ints:
        keys: Ints = person * span + (moment - begin) // SECOND
        return keys

    keys = key(touches.person[click], touches.moment[click])
    first = np.searchsorted(keys, key(sales.person[owed], sales.dated[owed] - _WINDOW))
    after = np.searchsorted(keys, key(sales.person[owed], sales.dated[owed]))
    count = after - first
    path = np.repeat(np.arange(len(owed)), count)
    nth = np.arange(len(path)) - (np.cumsum(count) - count)[path]
    return Paths(
        sale=owed[path],
        touch=click[first[path] + nth],
        clicks=count[path],
        is_newest=nth == count[path] - 1,
    )


def attribution_truth(sales: Sales, touches: Touches, campaigns: Campaigns, paths: Paths) -> pa.Table:
    """One row per rule, order and click with a share; the shares of an order sum to its revenue.

    last_touch: the newest click has everything. linear: each click has the same share, rounded half
    up to six digits, and the newest click has the rest.
    """
    revenue = sales.revenue[paths.sale]
    share = (2 * revenue + paths.clicks) // (2 * np.maximum(paths.clicks, 1))
    linear = np.where(paths.is_newest, revenue - share * (paths.clicks - 1), share)
    newest = np.flatnonzero(paths.is_newest)
    every = np.arange(len(paths.sale))
    path = np.concatenate([newest, every])
    amount = np.concatenate([revenue[newest], linear])
    rule = np.repeat([0, 1], [len(newest), len(every)])
    sale, touch = paths.sale[path], paths.touch[path]
    campaign = touches.campaign[touch]
    return pa.table(
        {
            "order_system": pick(CHANNELS, sales.channel[sale]),
            "order_id": sales.number[sale],
            "rule": pick((LAST_TOUCH, LINEAR), rule),
            "touch_id": touches.number[touch],
            "campaign_id": campaigns.number[campaign],
            "media_channel_id": campaigns.channel[campaign] + 1,
            "revenue": decimals(amount, pa.decimal128(19, 6)),
        }
    )
