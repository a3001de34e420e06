"""Enquiries and complaints of consumers: more of them after a late or returned order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulated_retailer.crm.schema import CRM
from simulated_retailer.engine.arrays import Ints, pick
from simulated_retailer.engine.randomness import random_stream, weighted
from simulated_retailer.engine.timestamps import NEVER, Period, whole_seconds
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.population.people import People
from simulated_retailer.sales import Refunds, Sales

_TOUCHPOINTS = (
    ("Hotline", "phone", 26), ("Service mailbox", "email", 24), ("Web chat", "chat", 18),
    ("App", "app", 10), ("Shop counter", "store", 9), ("Social media", "social", 8),
    ("Letter", "mail", 2), ("Web form", "web", 3),
)  # fmt: skip
_TYPES = ("inquiry", "feedback", "complaint", "support request", "return request")
_ORDINARY = (0.45, 0.20, 0.10, 0.24, 0.01)
_AFTER_TROUBLE = (0.10, 0.06, 0.50, 0.14, 0.20)
_OPEN, _IN_PROGRESS, _RESOLVED = range(3)
_STATUSES = ("open", "in progress", "resolved")
_PER_YEAR = 1.3
_AFTER_ORDER, _AFTER_LATE, _AFTER_RETURN = 0.02, 0.14, 0.22
_NEVER_RESOLVED, _SCORED = 0.06, 0.55
_SCORES, _SCORES_AFTER_TROUBLE = (0.05, 0.08, 0.2, 0.37, 0.3), (0.22, 0.26, 0.27, 0.17, 0.08)
_COMMENTS = (
    "Asked about delivery times.", "Asked for an invoice.", "Asked whether a product comes back.",
    "Liked the packaging.", "Missing part.", "Parcel arrived damaged.", "Parcel came late.",
    "Praised the advice in the shop.", "Size does not fit.", "Wants to change the address.",
    "Wrong item in the parcel.", None,
)  # fmt: skip


def touchpoint_table(period: Period) -> pa.Table:
    """touchpoints: set up once, never changed."""
    names, kinds, _ = zip(*_TOUCHPOINTS, strict=True)
    return version_table(
        CRM,
        "touchpoints",
        versions(np.full(len(names), period.founded), end=period.end),
        {
            "touchpoint_id": np.arange(len(names)) + 1,
            "touchpoint_name": pa.array(names),
            "touchpoint_type": pa.array(kinds),
        },
    )


def interaction_table(
    period: Period, people: People, of_person: Ints, sales: Sales, refunds: Refunds, seed: int
) -> pa.Table:
    """interactions, numbered in order of time. Each is taken up, then resolved, then scored."""
    rng = random_stream(seed, "interactions")
    person, moment, trouble = _occasions(period, people, of_person, sales, refunds, rng)
    size = len(person)
    taken_up = moment + whole_seconds(rng.exponential(0.3, size))
    resolved = taken_up + whole_seconds(rng.gamma(1.2, np.where(trouble, 2.5, 1.2), size) + 0.01)
    resolved = np.where(rng.random(size) < _NEVER_RESOLVED, NEVER, resolved)
    has_score = (resolved != NEVER) & (rng.random(size) < _SCORED)
    scored = np.where(has_score, resolved + whole_seconds(rng.uniform(0, 3, size)), NEVER)
    score = 1 + np.where(trouble, weighted(rng, _SCORES_AFTER_TROUBLE, size), weighted(rng, _SCORES, size))
    kind = np.where(trouble, weighted(rng, _AFTER_TROUBLE, size), weighted(rng, _ORDINARY, size))
    touchpoint = weighted(rng, tuple(weight for *_, weight in _TOUCHPOINTS), size)
    comment = pick(_COMMENTS, rng.integers(len(_COMMENTS), size=size))

    which = versions(moment, taken_up, resolved, scored, end=period.end)
    is_resolved = which.after(resolved)
    status = np.where(is_resolved, _RESOLVED, np.where(which.after(taken_up), _IN_PROGRESS, _OPEN))
    return version_table(
        CRM,
        "interactions",
        which,
        {
            "interaction_id": which.row + 1,
            "interaction_at": which.of(moment),
            "consumer_id": which.of(of_person[person] + 1),
            "touchpoint_id": which.of(touchpoint + 1),
            "interaction_type": pick(_TYPES, which.of(kind)),
            "resolution_status": pick(_STATUSES, status),
            "resolved_at": np.where(is_resolved, which.of(resolved), NEVER),
            "satisfaction_score": np.ma.masked_array(which.of(score), mask=~which.after(scored)),
            "comments": which.of(comment),
        },
    )


def _occasions(
    period: Period,
    people: People,
    of_person: Ints,
    sales: Sales,
    refunds: Refunds,
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints]:
    """Person, time, and whether an order went wrong, for every interaction, in order of time."""
    members = np.flatnonzero(of_person >= 0)
    idle = np.repeat(members, rng.poisson(_PER_YEAR * period.days / 365, len(members)))
    sold = np.flatnonzero(sales.shipped != NEVER)
    late = sales.is_late[sold]
    speaks = rng.random(len(sold)) < np.where(late, _AFTER_LATE, _AFTER_ORDER)
    about, late = sold[speaks], late[speaks]
    returning = np.flatnonzero(rng.random(len(refunds.sale)) < _AFTER_RETURN)
    person = np.concatenate([idle, sales.person[about], sales.person[refunds.sale[returning]]])
    moment = np.concatenate(
        [
            period.begin + whole_seconds(rng.random(len(idle)) * period.days),
            sales.shipped[about] + whole_seconds(rng.uniform(0.1, 8, len(about))),
            refunds.returned[returning] - whole_seconds(rng.uniform(0.1, 1.5, len(returning))),
        ]
    )
    trouble = np.concatenate([np.zeros(len(idle), bool), late, np.ones(len(returning), bool)])
    there = (of_person[person] >= 0) & (moment < period.end)
    there &= (moment >= people.crm_since[person]) & (moment < people.erased[person])
    kept = np.flatnonzero(there)
    kept = kept[np.argsort(moment[kept], kind="stable")]
    return person[kept], moment[kept], trouble[kept]
