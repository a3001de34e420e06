"""Subscriptions to marketing: who agreed to it, and from when until when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import DAY, NEVER, Period, whole_seconds
from simulated_retailer.population.people import People

_AGREES, _LEAVES = 0.75, 0.06


@dataclass(frozen=True)
class Subscriptions:
    """One value per person."""

    since: Ints
    """NEVER if the person never agreed."""
    until: Ints
    """When the person left; NEVER if not within the period."""

    def at(self, person: Ints, moment: Ints) -> Flags:
        """Whether each person is subscribed at each time, paired."""
        return (moment >= self.since[person]) & (moment < self.until[person])


def subscribe(period: Period, people: People, seed: int) -> Subscriptions:
    """Most people whose address the web shop or the CRM has. Erasure ends a subscription."""
    rng = random_stream(seed, "subscriptions")
    size = len(people.persona)
    webshop = np.where(people.email_in_webshop, people.webshop_since, NEVER)
    crm = np.where(people.email_in_crm, people.crm_since, NEVER)
    since = np.where(rng.random(size) < _AGREES, np.minimum(webshop, crm), NEVER)
    begins = np.clip(since, period.begin, period.end)
    leaves = begins + whole_seconds(rng.random(size) * (period.end - begins) / DAY)
    left = (since != NEVER) & (rng.random(size) < _LEAVES) & (leaves > begins)
    until = np.minimum(np.where(left, leaves, NEVER), people.erased)
    return Subscriptions(since, np.where(since == NEVER, NEVER, until))
