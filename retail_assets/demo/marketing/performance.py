"""What channels report of their campaigns: the day's figures the next night, and once more later."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from retail_assets.demo.chance import chance
from retail_assets.demo.clock import DAY, Ints, Period
from retail_assets.demo.marketing.attribution import Paths
from retail_assets.demo.marketing.campaigns import CHANNELS, Campaigns
from retail_assets.demo.marketing.schema import MARKETING
from retail_assets.demo.marketing.touches import CLICK, IMPRESSION, Touches
from retail_assets.demo.sales import Sales
from retail_assets.demo.versions import version_table, versions

_REPORTED, _RESTATED = DAY // 12, 2 * DAY + DAY // 12
"""After the end of the day."""
_LATE = 0.03
"""Of the impressions and clicks of strangers, those that are only in the second report."""
_REACH = 0.85
_STRANGERS_CLICK = 0.4
"""How readily strangers click, relative to people in the audience."""


def performance_table(
    period: Period, campaigns: Campaigns, touches: Touches, sales: Sales, paths: Paths, seed: int
) -> pa.Table:
    """campaign_performance: what the touches say, and the strangers whom nobody can name.

    Conversions are orders of the day whose newest click was the campaign's.
    """
    draws = chance(seed, "performance")
    shape = (period.days, len(campaigns.names))
    runs = (campaigns.first <= np.arange(period.days)[:, None]) & (
        np.arange(period.days)[:, None] < campaigns.after
    )
    day, campaign = np.nonzero(runs)
    seen, clicked = (
        _count(period, shape, touches.moment[mine], touches.campaign[mine])[day, campaign]
        for mine in (touches.kind == IMPRESSION, touches.kind == CLICK)
    )
    known = _reached(period, shape, touches)[day, campaign]
    newest = np.flatnonzero(paths.is_newest)
    ordered = sales.placed[paths.sale[newest]]
    orders = _count(period, shape, ordered, touches.campaign[paths.touch[newest]])[day, campaign]
    channel = campaigns.channel[campaign]
    average = seen * np.array([channel.strangers for channel in CHANNELS])[channel]
    strangers = draws.poisson(average)
    ready = np.array([channel.clicked for channel in CHANNELS])[channel] * _STRANGERS_CLICK
    strange_clicks = draws.binomial(strangers, ready)
    late, late_clicks = (
        draws.binomial(strangers - strange_clicks, _LATE),
        draws.binomial(strange_clicks, _LATE),
    )
    days = (campaigns.after - campaigns.first)[campaign]
    spend = (campaigns.budget[campaign] // days * draws.uniform(0.75, 1.0, len(day))).astype(np.int64)

    which = versions(
        period.midnight(day + 1) + _REPORTED, period.midnight(day + 1) + _RESTATED, end=period.end
    )
    whole = which.since >= period.midnight(which.of(day) + 1) + _RESTATED
    missing, missing_clicks = (np.where(whole, 0, which.of(part)) for part in (late, late_clicks))
    impressions = which.of(seen + strangers) - missing - missing_clicks
    return version_table(
        MARKETING,
        "campaign_performance",
        which,
        {
            "performance_date": period.begin // DAY + which.of(day),
            "campaign_id": which.of(campaigns.number[campaign]),
            "spend": which.of(spend // 100 * 100),
            "impressions": impressions,
            "reach": which.of(known) + np.floor((impressions - which.of(seen)) * _REACH).astype(np.int64),
            "clicks": which.of(clicked + strange_clicks) - missing_clicks,
            "conversions": which.of(orders),
        },
    )


def _count(period: Period, shape: tuple[int, int], moment: Ints, campaign: Ints) -> Ints:
    """days x campaigns: how many of these there are."""
    cell = period.day_of(moment) * shape[1] + campaign
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def _reached(period: Period, shape: tuple[int, int], touches: Touches) -> Ints:
    """days x campaigns: how many different people saw it on the day."""
    mine = touches.kind == IMPRESSION
    cell = period.day_of(touches.moment[mine]) * shape[1] + touches.campaign[mine]
    people = touches.person.max(initial=0) + 1
    different = np.unique(cell * people + touches.person[mine]) // people
    return np.bincount(different, minlength=shape[0] * shape[1]).reshape(shape)
