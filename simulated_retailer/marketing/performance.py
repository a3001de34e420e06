"""Figures that channels report on their campaigns: the next night, and restated two days later."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import DAY, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.marketing.attribution import Paths
from simulated_retailer.marketing.campaigns import CHANNELS, Campaigns
from simulated_retailer.marketing.schema import MARKETING
from simulated_retailer.marketing.touches import CLICK, IMPRESSION, Touches
from simulated_retailer.sales import Sales

_REPORTED, _RESTATED = DAY // 12, 2 * DAY + DAY // 12
"""After the end of the day."""
_LATE = 0.03
"""Share of the strangers' impressions and clicks that only the second report has."""
_REACH = 0.85
_STRANGERS_CLICK = 0.4
"""How readily strangers click, relative to people in the audience."""


def performance_table(
    period: Period, campaigns: Campaigns, touches: Touches, sales: Sales, paths: Paths, seed: int
) -> pa.Table:
    """campaign_performance: the touches, and impressions and clicks of unknown people.

    Conversions are orders of the day whose newest click was the campaign's.
    """
    rng = random_stream(seed, "performance")
    every_day = np.arange(period.days)[:, None]
    day, campaign = np.nonzero((campaigns.first <= every_day) & (every_day < campaigns.after))
    known = _known(period, campaigns, touches, sales, paths)
    seen, reached, clicked, orders = (each[day, campaign] for each in known)
    channel = campaigns.channel[campaign]
    strangers, strange_clicks = _strangers(seen, channel, rng)
    late = rng.binomial(strangers - strange_clicks, _LATE)
    late_clicks = rng.binomial(strange_clicks, _LATE)
    days = (campaigns.after - campaigns.first)[campaign]
    spend = (campaigns.budget[campaign] // days * rng.uniform(0.75, 1.0, len(day))).astype(np.int64)

    night = period.midnight(day + 1)
    which = versions(night + _REPORTED, night + _RESTATED, end=period.end)
    whole = which.after(night + _RESTATED)
    missing, missing_clicks = (np.where(whole, 0, which.of(part)) for part in (late, late_clicks))
    impressions = which.of(seen + strangers) - missing - missing_clicks
    of_strangers = np.floor((impressions - which.of(seen)) * _REACH).astype(np.int64)
    return version_table(
        MARKETING,
        "campaign_performance",
        which,
        {
            "performance_date": period.begin // DAY + which.of(day),
            "campaign_id": which.of(campaigns.number[campaign]),
            "spend": which.of(spend // 100 * 100),
            "impressions": impressions,
            "reach": which.of(reached) + of_strangers,
            "clicks": which.of(clicked + strange_clicks) - missing_clicks,
            "conversions": which.of(orders),
        },
    )


def _known(
    period: Period, campaigns: Campaigns, touches: Touches, sales: Sales, paths: Paths
) -> tuple[Ints, Ints, Ints, Ints]:
    """days x campaigns: impressions, people, clicks and orders of known people."""
    shape = (period.days, len(campaigns.names))
    seen, clicked = (
        _count(period, shape, touches.moment[mine], touches.campaign[mine])
        for mine in (touches.kind == IMPRESSION, touches.kind == CLICK)
    )
    newest = np.flatnonzero(paths.is_newest)
    ordered = sales.placed[paths.sale[newest]]
    orders = _count(period, shape, ordered, touches.campaign[paths.touch[newest]])
    return seen, _reached(period, shape, touches), clicked, orders


def _strangers(seen: Ints, channel: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Impressions on and clicks of unknown people, per day and campaign."""
    strangers = rng.poisson(seen * np.array([channel.strangers for channel in CHANNELS])[channel])
    ready = np.array([channel.clicked for channel in CHANNELS])[channel] * _STRANGERS_CLICK
    return strangers, rng.binomial(strangers, ready)


def _count(period: Period, shape: tuple[int, int], moment: Ints, campaign: Ints) -> Ints:
    """days x campaigns: how many there are."""
    cell = period.day_of(moment) * shape[1] + campaign
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def _reached(period: Period, shape: tuple[int, int], touches: Touches) -> Ints:
    """days x campaigns: how many different people saw it."""
    mine = touches.kind == IMPRESSION
    cell = period.day_of(touches.moment[mine]) * shape[1] + touches.campaign[mine]
    people = touches.person.max(initial=0) + 1
    different = np.unique(cell * people + touches.person[mine]) // people
    return np.bincount(different, minlength=shape[0] * shape[1]).reshape(shape)
