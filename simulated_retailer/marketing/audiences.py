"""Audience segments and their members, from when until when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import DAY, NEVER, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.marketing.schema import MARKETING
from simulated_retailer.population.contact_details import as_typed
from simulated_retailer.population.people import People
from simulated_retailer.population.personas import PERSONAS
from simulated_retailer.population.subscriptions import Subscriptions

SEGMENTS = (
    ("Subscribers", "Everyone who agreed to marketing.", "marketing_opt_in"),
    ("Outdoor fans", "Who buys outdoor and travel goods above all.", "share of outdoor goods > 0.5"),
    ("Bargain hunters", "Who buys when there is an offer.", "share of discounted orders > 0.5"),
    ("Regulars", "Who comes back again and again.", "orders in 180 days >= 4"),
    ("Newcomers", "The first 90 days after agreeing to marketing.", "days since opt-in < 90"),
    ("Win-back", "Who has not bought for two months or more.", "days since last order >= 60"),
)
ALL, _NEWCOMERS, _WIN_BACK = 0, 4, 5
_OF_PERSONA = {1: "adventurer", 2: "bargain hunter", 3: "loyal"}
_FITS, _FITS_NOT = 0.8, 0.06
"""The chance to be in a persona's segment for those who follow the persona, and for others."""
_NEW_FOR, _LOST_AFTER = 90 * DAY, 60 * DAY


@dataclass(frozen=True)
class Members:
    """One value per membership, segment by segment."""

    segment: Ints
    person: Ints
    added: Ints
    removed: Ints
    """NEVER if not within the period."""


def choose_members(period: Period, people: People, subscribed: Subscriptions, seed: int) -> Members:
    """The subscribers, in all segments that they belong to."""
    rng = random_stream(seed, "audiences")
    person = np.flatnonzero(subscribed.since != NEVER)
    since, until, stops = subscribed.since[person], subscribed.until[person], people.stops[person]
    never = np.full(len(person), NEVER)
    spans = {ALL: (since, never), _NEWCOMERS: (since, since + _NEW_FOR)}
    names = [persona.name for persona in PERSONAS]
    for segment, name in _OF_PERSONA.items():
        fits = people.persona[person] == names.index(name)
        chosen = rng.random(len(person)) < np.where(fits, _FITS, _FITS_NOT)
        found = since + whole_seconds(rng.uniform(10, 60, len(person)))
        spans[segment] = (np.where(chosen, found, NEVER), never)
    lost = np.where(stops == NEVER, NEVER, np.maximum(since, np.minimum(stops, period.end) + _LOST_AFTER))
    spans[_WIN_BACK] = (lost, never)
    parts = []
    for segment in range(len(SEGMENTS)):
        added, removed = spans[segment]
        removed = np.minimum(removed, until)
        kept = added < np.minimum(removed, period.end)
        parts.append((np.full(np.count_nonzero(kept), segment), person[kept], added[kept], removed[kept]))
    return Members(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def segment_table(period: Period) -> pa.Table:
    """audience_segments: set up once, never changed."""
    names, descriptions, criteria = zip(*SEGMENTS, strict=True)
    return version_table(
        MARKETING,
        "audience_segments",
        versions(np.full(len(SEGMENTS), period.founded), end=period.end),
        {
            "audience_segment_id": np.arange(len(SEGMENTS)) + 1,
            "segment_name": pa.array(names),
            "description": pa.array(descriptions),
            "criteria": pa.array(criteria),
        },
    )


def member_table(period: Period, people: People, members: Members, seed: int) -> pa.Table:
    """audience_members; the rows of people whom the CRM erased are deleted."""
    which = versions(members.added, members.removed, removed=people.erased[members.person], end=period.end)
    email = as_typed(people.email, random_stream(seed, "audience e-mail as typed"))
    return version_table(
        MARKETING,
        "audience_members",
        which,
        {
            "audience_segment_id": which.of(members.segment + 1),
            "consumer_email": email.take(pa.array(which.of(members.person))),
            "added_at": which.of(members.added),
            "removed_at": np.where(which.after(members.removed), which.of(members.removed), NEVER),
        },
    )
