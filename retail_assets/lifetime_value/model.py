"""The parameters of one cohort's customers as they are stored, and when a cohort has enough to have any."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from retail_assets.lifetime_value import bgnbd, gamma_gamma
from retail_assets.lifetime_value.bgnbd import Counts, Purchasing
from retail_assets.lifetime_value.fitting import at_limit
from retail_assets.lifetime_value.gamma_gamma import Spending
from retail_assets.versions import libraries

FORMAT = 1
FEWEST_CUSTOMERS = 100
FEWEST_REPEATERS = 30
FEWEST_WEEKS = 13
FEWEST_MARGINS = 30


@dataclass(frozen=True)
class Margins:
    """Of each customer with known margins of later purchases: how many these are, and what they brought."""

    purchases: np.ndarray
    total: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """What a cohort's data says: parameters, or the reasons why there are none."""

    customers: int
    repeaters: int
    purchasing: Purchasing | None
    spending: Spending | None
    reasons: tuple[str, ...]
    log_likelihood: float | None
    correlation: float | None
    left_out: int
    """Customers whose mean margin is not above 0: they are no part of the margins' fit."""
    fingerprint: str
    is_open: bool
    """Whether there is data enough, but it leaves a parameter open."""

    def to_json(self) -> str:
        """Its text; the same data and versions have the same text."""
        parameters = {
            "purchasing": asdict(self.purchasing) if self.purchasing else None,
            "spending": asdict(self.spending) if self.spending else None,
        }
        facts = {
            "format": FORMAT,
            **parameters,
            "customers": self.customers,
            "repeaters": self.repeaters,
            "margins_not_above_0": self.left_out,
            "fingerprint": self.fingerprint,
            "libraries": libraries("numpy", "scipy"),
        }
        return json.dumps(facts, sort_keys=True)


def parameters_of(text: str) -> tuple[Purchasing | None, Spending | None]:
    """The parameters of a stored text."""
    values = json.loads(text)
    purchasing, spending = values["purchasing"], values["spending"]
    return Purchasing(**purchasing) if purchasing else None, Spending(**spending) if spending else None


def fitted(counts: Counts, margins: Margins) -> Fitted:
    """Fit both models on a cohort's customers; where the data is too little, say plainly what is missing."""
    reasons = list(_missing(counts))
    purchasing = None if reasons else bgnbd.fit(counts)
    is_open = purchasing is not None and at_limit(list(asdict(purchasing).values()))
    if is_open:
        reasons.append("Purchases do not tell all parameters: one lies at the limit of what is tried.")
    spending, correlation, left_out, reason = _fit_margins(margins)
    return Fitted(
        customers=counts.total,
        repeaters=counts.repeaters,
        purchasing=purchasing,
        spending=spending,
        reasons=(*reasons, *([reason] if reason else [])),
        log_likelihood=bgnbd.log_likelihood(purchasing, counts) if purchasing else None,
        correlation=correlation,
        left_out=left_out,
        fingerprint=_fingerprint(counts, margins),
        is_open=is_open,
    )


def _missing(counts: Counts) -> Sequence[str]:
    oldest = float(counts.age.max()) if len(counts.age) else 0.0
    asked = (
        (
            oldest >= FEWEST_WEEKS,
            f"The oldest purchase is {oldest:.0f} weeks old; it takes {FEWEST_WEEKS}.",
        ),
        (
            counts.total >= FEWEST_CUSTOMERS,
            f"Only {counts.total:,} have bought; it takes {FEWEST_CUSTOMERS}.",
        ),
        (
            counts.repeaters >= FEWEST_REPEATERS,
            f"Only {counts.repeaters:,} bought on a second day; it takes {FEWEST_REPEATERS}.",
        ),
    )
    return [said for is_met, said in asked if not is_met]


def _fit_margins(margins: Margins) -> tuple[Spending | None, float | None, int, str | None]:
    if not len(margins.purchases):
        return None, None, 0, "No margin of a second purchase is known."
    means = margins.total / margins.purchases
    usable = means > 0
    purchases, means = margins.purchases[usable], means[usable]
    left_out = int((~usable).sum())
    if len(means) < FEWEST_MARGINS:
        said = f"Only {len(means):,} have a margin above 0 of later purchases; it takes {FEWEST_MARGINS}."
        return None, None, left_out, said
    spending = gamma_gamma.fit(purchases, means)
    return spending, round(gamma_gamma.correlation(purchases, means), 6), left_out, None


def _fingerprint(counts: Counts, margins: Margins) -> str:
    digest = hashlib.sha256()
    arrays: Sequence[Any] = (
        counts.frequency,
        counts.recency,
        counts.age,
        counts.customers,
        margins.purchases,
        margins.total,
    )
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        digest.update(b"\0")
    return digest.hexdigest()
