"""What past offers of a channel tell of the next one: by their mean, and by how much they took off."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import log, sqrt
from typing import Any

from scipy.stats import t as student

from retail_assets.prices.catalog import BY_DEPTH, BY_MEAN
from retail_assets.versions import libraries

FORMAT = 1
FEWEST = 2
"""Settled offers that it takes to expect anything of the next."""
LEAST_ERROR = 1e-6
NORMAL = 1.959964


@dataclass(frozen=True)
class Past:
    """A settled offer: what it did to the pieces sold, in logarithms."""

    offer_id: int
    first: date
    last: date
    log_uplift: float
    error: float
    depth: float | None
    """-log(1 - discount): what a price elasticity is multiplied with; None if it is not known or 0."""
    discount: float
    """What it took off."""
    full_amount: float
    """The discount that every measured piece would have had; 0 if it is not known."""


@dataclass(frozen=True)
class Expected:
    """What is expected of an offer's uplift, in logarithms: 1.96 errors to each side are 95%."""

    log_uplift: float
    error: float


def by_mean(past: Sequence[Past]) -> Expected | None:
    """The plainest: as past offers did on average, whatever they took off."""
    count = len(past)
    if count < FEWEST:
        return None
    mean = sum(each.log_uplift for each in past) / count
    spread = sum((each.log_uplift - mean) ** 2 for each in past) / (count - 1)
    return Expected(mean, _widened(sqrt(spread * (1 + 1 / count)), count - 1))


def by_depth(past: Sequence[Past], depth: float | None) -> Expected | None:
    """In proportion to the logarithm of the price: random effects (DerSimonian and Laird)."""
    known = [(each.log_uplift / each.depth, each.error / each.depth) for each in past if each.depth]
    if len(known) < FEWEST or not depth:
        return None
    slope, error, between = pooled(known)
    return Expected(slope * depth, _widened(depth * sqrt(error**2 + between), max(len(known) - 2, 1)))


def pooled(known: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """The mean of figures with errors, its error, and the variance between the figures."""
    variances = [max(error, LEAST_ERROR) ** 2 for _, error in known]
    weights = [1 / each for each in variances]
    total = sum(weights)
    mean = sum(weight * value for weight, (value, _) in zip(weights, known, strict=True)) / total
    excess = sum(weight * (value - mean) ** 2 for weight, (value, _) in zip(weights, known, strict=True))
    scale = total - sum(weight**2 for weight in weights) / total
    between = max(0.0, (excess - (len(known) - 1)) / scale) if scale > 0 else 0.0
    weights = [1 / (each + between) for each in variances]
    total = sum(weights)
    mean = sum(weight * value for weight, (value, _) in zip(weights, known, strict=True)) / total
    return mean, sqrt(1 / total), between


def _widened(error: float, freedom: int) -> float:
    """An error of few offers, so that 1.96 of it are Student's interval."""
    return float(error * student.ppf(0.975, freedom) / NORMAL)


@dataclass(frozen=True)
class Kind:
    """The settled offers of a channel, by their first day."""

    channel: str
    past: Sequence[Past]

    @cached_property
    def trials(self) -> Sequence[tuple[float, float]]:
        """Of each offer that could have been expected by those before it: how far off depth and mean were."""
        found = []
        for each in self.past:
            before = [other for other in self.past if other.last < each.first]
            depth, mean = by_depth(before, each.depth), by_mean(before)
            if depth and mean:
                found.append((depth.log_uplift - each.log_uplift, mean.log_uplift - each.log_uplift))
        return [(abs(depth), abs(mean)) for depth, mean in found]

    @property
    def errors(self) -> tuple[float, float] | None:
        """The mean of these, of depth and of the mean; None without a trial."""
        count = len(self.trials)
        if not count:
            return None
        return sum(depth for depth, _ in self.trials) / count, sum(mean for _, mean in self.trials) / count

    @property
    def method(self) -> str | None:
        """What is used: depth only where it was better than the mean; None with too few offers."""
        if len(self.past) < FEWEST:
            return None
        return BY_DEPTH if self.errors and self.errors[0] < self.errors[1] else BY_MEAN

    @property
    def reason(self) -> str:
        """Why, in words."""
        if self.method is None:
            count = len(self.past)
            return f"{count or 'No'} settled offer{'s' if count != 1 else ''}; it takes {FEWEST}."
        if not self.errors:
            return (
                "No offer had enough before it to try what it takes off, so the mean of past offers is used."
            )
        depth, mean = self.errors
        begins = (
            "What they take off told more than the mean of past offers"
            if self.method == BY_DEPTH
            else "What they take off told no more than the mean of past offers, which is used"
        )
        return (
            f"{begins}: off by {depth:.3f} against {mean:.3f} in the logarithm,"
            f" over {len(self.trials)} offers."
        )

    @property
    def take_up(self) -> float:
        """The part of the discount that buyers took; all of it where nothing tells."""
        known = [each for each in self.past if each.full_amount > 0]
        full = sum(each.full_amount for each in known)
        return min(1.0, max(0.0, sum(each.discount for each in known) / full)) if full else 1.0

    def expected(self, depth: float | None) -> tuple[str, Expected] | None:
        """What is expected of an offer, and by what; None with too few past offers."""
        mean = by_mean(self.past)
        if not mean:
            return None
        found = by_depth(self.past, depth) if self.method == BY_DEPTH else None
        return (BY_DEPTH, found) if found else (BY_MEAN, mean)

    def to_json(self) -> str:
        """All of it as a text; the same data and versions have the same text."""
        past = [
            [
                each.offer_id,
                str(each.first),
                str(each.last),
                *(round(value, 9) if value is not None else None for value in (
                    each.log_uplift, each.error, each.depth, each.discount, each.full_amount
                )),
            ]
            for each in self.past
        ]  # fmt: skip
        known = [(each.log_uplift / each.depth, each.error / each.depth) for each in self.past if each.depth]
        slope: Sequence[Any] = [round(value, 9) for value in pooled(known)] if len(known) >= FEWEST else ()
        facts = {
            "format": FORMAT,
            "offers": past,
            "slope, error, variance between": slope,
            "trials": [[round(value, 9) for value in pair] for pair in self.trials],
            "take_up": round(self.take_up, 9),
            "fingerprint": hashlib.sha256(json.dumps(past).encode()).hexdigest(),
            "libraries": libraries("scipy"),
        }
        return json.dumps(facts, sort_keys=True)


def depth_of(discount: float | None) -> float | None:
    """-log(1 - discount), where there is one."""
    return -log(1 - discount) if discount is not None and 0 < discount < 1 else None
