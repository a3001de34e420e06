"""Media channels and the campaigns that run on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.marketing.audiences import ALL, SEGMENTS
from simulated_retailer.marketing.offers import MarketingOffers
from simulated_retailer.marketing.schema import MARKETING


class Channel(NamedTuple):
    name: str
    kind: str
    description: str
    reached: float
    """Share of a campaign's audience that sees it."""
    clicked: float
    """Share of those who click without being about to buy."""
    leading: float
    """How often it leads to an order, relative to other channels."""
    cost: float
    """In hundredths of the currency, per day and subscriber."""
    strangers: int
    """Impressions on unknown people for each on a known one."""


CHANNELS = (
    Channel("Newsletter", "email", "Our own mailings.", 0.30, 0.030, 5, 0.5, 0),
    Channel("Paid search", "search", "Text ads beside search results.", 0.05, 0.070, 6, 4.2, 12),
    Channel("Social media", "social", "Sponsored posts.", 0.07, 0.025, 3, 2.7, 30),
    Channel("Display", "display", "Banners on other sites.", 0.07, 0.012, 1.5, 2.1, 60),
    Channel("Affiliates", "affiliate", "Partners who are paid for orders.", 0.03, 0.060, 2, 1.8, 8),
    Channel("Online video", "video", "Short films before other films.", 0.06, 0.010, 1, 3.0, 50),
)
EMAIL, _SEARCH, _SOCIAL, _DISPLAY, _AFFILIATES, _VIDEO = range(len(CHANNELS))
_ALWAYS_ON, _ALWAYS_ON_DAYS = (_SEARCH, _SOCIAL, _DISPLAY, _AFFILIATES), 30
_NEWSLETTER_EVERY, _NEWSLETTER_DAYS = 14, 7
_SEGMENT_EVERY, _SEGMENT_DAYS = 45, 10
_PLANNED_BEFORE = 7 * DAY
_BUDGET_RAISED, _RAISE_PERCENT = 0.2, 120


@dataclass(frozen=True)
class Campaigns:
    """One value per campaign, in order of starting."""

    names: list[str]
    channel: Ints
    """Position in CHANNELS."""
    segment: Ints
    """Position in SEGMENTS."""
    offer: Ints
    """offer_id, 0 if none."""
    first: Ints
    """Number of its first day ..."""
    after: Ints
    """... and of the day after its last, which may be after the period."""
    budget: Ints
    """In units of 0.0001."""
    raised: Ints
    """When the budget is raised; NEVER if not."""

    @property
    def number(self) -> Ints:
        """campaign_id."""
        return np.arange(len(self.names)) + 1


_Plan = tuple[int, int, str, int, int, int]
"""First day, day after the last, name, channel, segment, offer_id."""


def plan_campaigns(period: Period, offers: MarketingOffers, public: int, seed: int) -> Campaigns:
    """The campaigns of the period, with budgets for `public` subscribers."""
    plans = sorted([*_always_on(period), *_newsletters(period), *_for_segments(period), *_for_offers(offers)])
    first, after, names, channel, segment, offer = (list(column) for column in zip(*plans, strict=True))
    rng = random_stream(seed, "campaigns")
    days = np.array(after) - np.array(first)
    cost = np.array([CHANNELS[position].cost for position in channel])
    budget = np.ceil(days * cost * public / 100 * rng.uniform(0.8, 1.3, len(plans))).astype(np.int64)
    middle = period.midnight(np.array(first)) + days * DAY // 2 // SECOND * SECOND
    return Campaigns(
        names=names,
        channel=np.array(channel),
        segment=np.array(segment),
        offer=np.array(offer),
        first=np.array(first),
        after=np.array(after),
        budget=(budget + 1) * 10_000,
        raised=np.where(rng.random(len(plans)) < _BUDGET_RAISED, middle, NEVER),
    )


def _always_on(period: Period) -> list[_Plan]:
    return [
        (day, day + _ALWAYS_ON_DAYS, f"{CHANNELS[channel].name} {round_ + 1}", channel, ALL, 0)
        for round_, day in enumerate(range(0, period.days, _ALWAYS_ON_DAYS))
        for channel in _ALWAYS_ON
    ]


def _newsletters(period: Period) -> list[_Plan]:
    return [
        (day, day + _NEWSLETTER_DAYS, f"Newsletter {round_ + 1}", EMAIL, ALL, 0)
        for round_, day in enumerate(range(2, period.days, _NEWSLETTER_EVERY))
    ]


def _for_segments(period: Period) -> list[_Plan]:
    return [
        (day, day + _SEGMENT_DAYS, f"For {SEGMENTS[segment][0]} {round_ + 1}", EMAIL, segment, 0)
        for segment in range(1, len(SEGMENTS))
        for round_, day in enumerate(range(3 + 5 * segment, period.days, _SEGMENT_EVERY))
    ]


def _for_offers(offers: MarketingOffers) -> list[_Plan]:
    plans = []
    for offer in offers.runs.tolist():
        first, after = int(offers.first[offer]), int(offers.after[offer])
        for channel in (EMAIL, _SOCIAL, _VIDEO):
            name = f"{offers.names[offer]}: {CHANNELS[channel].name}"
            plans.append((max(first - 2, 0), after, name, channel, ALL, int(offers.number[offer])))
    return plans


def channel_table(period: Period) -> pa.Table:
    """media_channels: set up once, never changed."""
    return version_table(
        MARKETING,
        "media_channels",
        versions(np.full(len(CHANNELS), period.founded), end=period.end),
        {
            "media_channel_id": np.arange(len(CHANNELS)) + 1,
            "media_channel_name": pa.array([channel.name for channel in CHANNELS]),
            "channel_type": pa.array([channel.kind for channel in CHANNELS]),
            "description": pa.array([channel.description for channel in CHANNELS]),
        },
    )


def campaign_table(period: Period, campaigns: Campaigns) -> pa.Table:
    """campaigns, planned a week before they start; their days are both included."""
    which = versions(period.midnight(campaigns.first) - _PLANNED_BEFORE, campaigns.raised, end=period.end)
    offer, first_day = which.of(campaigns.offer), period.begin // DAY
    budget = which.of(campaigns.budget)
    return version_table(
        MARKETING,
        "campaigns",
        which,
        {
            "campaign_id": which.of(campaigns.number),
            "campaign_name": pa.array(campaigns.names).take(pa.array(which.row)),
            "media_channel_id": which.of(campaigns.channel) + 1,
            "audience_segment_id": which.of(campaigns.segment) + 1,
            "offer_id": np.ma.masked_array(offer, mask=offer == 0),
            "start_date": first_day + which.of(campaigns.first),
            "end_date": first_day + which.of(campaigns.after) - 1,
            "budget": np.where(which.after(campaigns.raised), budget * _RAISE_PERCENT // 100, budget),
        },
    )
