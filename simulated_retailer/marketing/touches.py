"""Touches of campaigns: impressions, opened mails and clicks, some of which lead to orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Flags, Ints, pick
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.marketing.audiences import ALL, Members
from simulated_retailer.marketing.campaigns import CHANNELS, EMAIL, Campaigns
from simulated_retailer.marketing.schema import MARKETING
from simulated_retailer.population.contact_details import as_typed
from simulated_retailer.population.demand import Distributions
from simulated_retailer.population.people import People
from simulated_retailer.population.subscriptions import Subscriptions
from simulated_retailer.sales import Sales

TYPES = ("impression", "open", "click")
IMPRESSION, OPEN, CLICK = range(len(TYPES))
_LEADS = 0.14
"""Share of orders that a click led to."""
_LONGEST_LEAD = 14
_OPENED = 0.30
_SENT_AT, _SENT_WITHIN = 9 / 24, 3 / 24
_PURGED, _PURGED_AFTER = 0.0005, 60


@dataclass(frozen=True)
class Touches:
    """One value per touch, in order of time."""

    moment: Ints
    person: Ints
    campaign: Ints
    """Position among the campaigns."""
    kind: Ints
    """Position in TYPES."""

    @property
    def number(self) -> Ints:
        """touch_id."""
        return np.arange(len(self.moment)) + 1


@dataclass(frozen=True)
class _Contacts:
    """One value per person who sees a campaign."""

    seen: Ints
    person: Ints
    campaign: Ints
    opens: Flags
    clicks: Flags


def generate_touches(
    period: Period,
    campaigns: Campaigns,
    members: Members,
    subscribed: Subscriptions,
    sales: Sales,
    seed: int,
) -> Touches:
    """All touches of the period; people have them only while they are subscribed."""
    parts = (
        _audience(period, campaigns, members, random_stream(seed, "audience of campaigns")),
        _leading(period, campaigns, sales, random_stream(seed, "leading clicks")),
    )
    rng = random_stream(seed, "touches")
    seen, person, campaign, opens, clicks = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("seen", "person", "campaign", "opens", "clicks")
    )
    by_mail = campaigns.channel[campaign] == EMAIL
    clicked = seen + whole_seconds(rng.uniform(0.0002, 0.01, len(seen)))
    # A day's figures count clicks together with the impressions before them.
    clicked = np.minimum(clicked, seen // DAY * DAY + DAY - SECOND)
    opened = (seen + clicked) // 2 // SECOND * SECOND
    steps = (
        (IMPRESSION, seen, np.ones(len(seen), dtype=np.bool_)),
        (OPEN, opened, by_mail & (opens | clicks)),
        (CLICK, clicked, clicks),
    )
    moment = np.concatenate([moment[there] for _, moment, there in steps])
    kind = np.concatenate([np.full(np.count_nonzero(there), step) for step, _, there in steps])
    contact = np.concatenate([np.flatnonzero(there) for *_, there in steps])
    real = (moment < period.end) & subscribed.at(person[contact], moment) & (moment >= period.begin)
    kept = np.flatnonzero(real)
    kept = kept[np.lexsort((kind[kept], moment[kept]))]
    contact = contact[kept]
    return Touches(moment[kept], person[contact], campaign[contact], kind[kept])


def _audience(period: Period, campaigns: Campaigns, members: Members, rng: np.random.Generator) -> _Contacts:
    """Some of each campaign's segment. Mails go out on the first morning, other channels all the time."""
    by_segment = {s: np.flatnonzero(members.segment == s) for s in np.unique(campaigns.segment).tolist()}
    chosen = []
    for segment, channel in zip(campaigns.segment.tolist(), campaigns.channel.tolist(), strict=True):
        of_segment = by_segment[segment]
        chosen.append(of_segment[rng.random(len(of_segment)) < CHANNELS[channel].reached])
    campaign = np.repeat(np.arange(len(chosen)), [len(each) for each in chosen])
    member = np.concatenate(chosen)
    channel = campaigns.channel[campaign]
    days = (campaigns.after - campaigns.first)[campaign]
    spread = rng.random(len(campaign))
    wait = np.where(channel == EMAIL, _SENT_AT + spread * _SENT_WITHIN, spread * days)
    seen = period.midnight(campaigns.first[campaign]) + whole_seconds(wait)
    here = np.flatnonzero((seen >= members.added[member]) & (seen < members.removed[member]))
    clicked = np.array([channel.clicked for channel in CHANNELS])[channel]
    return _Contacts(
        seen=seen[here],
        person=members.person[member[here]],
        campaign=campaign[here],
        opens=rng.random(len(here)) < _OPENED,
        clicks=rng.random(len(here)) < clicked[here],
    )


def _leading(period: Period, campaigns: Campaigns, sales: Sales, rng: np.random.Generator) -> _Contacts:
    """Clicks some time before an order, on a campaign for everyone that was running."""
    sale = np.flatnonzero(rng.random(len(sales.person)) < _LEADS)
    seen = sales.placed[sale] - whole_seconds(rng.uniform(0.03, _LONGEST_LEAD, len(sale)))
    within = seen >= period.begin
    sale, seen = sale[within], seen[within]
    day = np.arange(period.days)[:, None]
    weight = np.array([channel.leading for channel in CHANNELS])[campaigns.channel]
    runs = (campaigns.first <= day) & (day < campaigns.after) & (campaigns.segment == ALL)
    campaign = Distributions(runs * weight).draw(period.day_of(seen), rng.random(len(sale)))
    yes = np.ones(len(sale), dtype=np.bool_)
    return _Contacts(seen, sales.person[sale], campaign, yes, yes)


def touch_table(
    period: Period, people: People, touches: Touches, campaigns: Campaigns, seed: int
) -> pa.Table:
    """campaign_touches; a few impressions are purged later."""
    rng = random_stream(seed, "touch e-mail as typed")
    email = as_typed(people.email.take(pa.array(touches.person)), rng)
    size = len(touches.moment)
    purged = (touches.kind == IMPRESSION) & (rng.random(size) < _PURGED)
    later = touches.moment + whole_seconds(rng.uniform(1, _PURGED_AFTER, size))
    which = versions(touches.moment, removed=np.where(purged, later, NEVER), end=period.end)
    return version_table(
        MARKETING,
        "campaign_touches",
        which,
        {
            "touch_id": touches.number,
            "touched_at": touches.moment,
            "consumer_email": email,
            "campaign_id": campaigns.number[touches.campaign],
            "touch_type": pick(TYPES, touches.kind),
        },
    )
