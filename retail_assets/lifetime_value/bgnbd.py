"""How often customers buy again, and whether they still do: the BG/NBD model.

While alive, a customer buys at a rate of their own (gamma over customers: r, alpha). After each purchase that
follows the first, they stop for good with a probability of their own (beta: a, b). Fader, Hardie and Lee,
"'Counting Your Customers' the Easy Way", Marketing Science 24 (2005); equations are numbered as there.

Of a customer only three numbers matter: `frequency` (purchases after the first), `recency` (time from the
first to the last) and `age` (time from the first until now), in weeks. So customers are counted by these
triples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, hyp2f1

from retail_assets.lifetime_value.fitting import best

STARTS = ((1.0, 10.0, 1.0, 3.0), (0.3, 3.0, 0.3, 3.0), (3.0, 30.0, 0.5, 1.0))
_HARMLESS = 1e-9
"""By so much a parameter is moved off a value where a formula divides by 0.."""
_MOST = 5_000
"""Purchases that are looked at, at most."""
_NOTHING = 1e-12


@dataclass(frozen=True)
class Counts:
    """Customers by triple: four arrays of one length; recency and age in weeks."""

    frequency: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    customers: np.ndarray

    @property
    def total(self) -> int:
        """How many customers there are."""
        return int(self.customers.sum())

    @property
    def repeaters(self) -> int:
        """How many of them bought again."""
        return int(self.customers[self.frequency > 0].sum())


@dataclass(frozen=True)
class Purchasing:
    """The model's parameters: the rate's shape `r` and scale `alpha` (weeks), the dropout's `a` and `b`."""

    r: float
    alpha: float
    a: float
    b: float


def fit(counts: Counts) -> Purchasing:
    """The parameters of the greatest likelihood. There must be customers."""
    return Purchasing(*best(_objective(counts), STARTS))


def log_likelihood(parameters: Purchasing, counts: Counts) -> float:
    """Of all customers together; equation 6."""
    logs = np.log([parameters.r, parameters.alpha, parameters.a, parameters.b])
    return -_objective(counts)(logs)[0] * counts.total


def _objective(counts: Counts) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    # Functions of the frequency alone are computed once for each, those of ages once for each age.
    distinct, which = np.unique(counts.frequency.astype(np.float64), return_inverse=True)
    weights = counts.customers / counts.customers.sum()
    of_frequency = np.bincount(which, weights, minlength=len(distinct))
    x = counts.frequency.astype(np.float64)
    again = x > 0

    def objective(logs: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = (float(each) for each in np.exp(logs))
        constant = (
            gammaln(r + distinct)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            + gammaln(b + distinct)
            - gammaln(b)
            - gammaln(a + b + distinct)
        )
        still = -(r + x) * np.log(alpha + counts.age)
        # b + x - 1 is below 0 where x is 0, which has no second part.
        below = np.where(again, b + x - 1, 1.0)
        gone = np.log(a) - np.log(below) - (r + x) * np.log(alpha + counts.recency)
        gone = np.where(again, gone, -np.inf)
        both = np.logaddexp(still, gone)
        value = (of_frequency * constant).sum() + (weights * both).sum()

        alive, dead = weights * np.exp(still - both), weights * np.exp(gone - both)
        by_r = (of_frequency * (digamma(r + distinct) - digamma(r) + np.log(alpha))).sum()
        by_r -= (alive * np.log(alpha + counts.age)).sum() + (dead * np.log(alpha + counts.recency)).sum()
        by_alpha = r / alpha - (alive * (r + x) / (alpha + counts.age)).sum()
        by_alpha -= (dead * (r + x) / (alpha + counts.recency)).sum()
        both_ab = digamma(a + b) - digamma(a + b + distinct)
        by_a = (of_frequency * both_ab).sum() + dead.sum() / a
        by_b = (of_frequency * (both_ab + digamma(b + distinct) - digamma(b))).sum() - (dead / below).sum()
        return -float(value), -np.array([by_r * r, by_alpha * alpha, by_a * a, by_b * b])

    return objective


def alive_probability(parameters: Purchasing, counts: Counts) -> np.ndarray:
    """Of each triple the probability that the customer still buys; 1 for who has bought once.

    By this model nobody stops before the second purchase: who bought once buys seldom, rather.
    """
    r, alpha, a, b = parameters.r, parameters.alpha, parameters.a, parameters.b
    x = counts.frequency.astype(np.float64)
    again = x > 0
    odds = np.log(a) - np.log(np.where(again, b + x - 1, 1.0))
    odds = odds + (r + x) * (np.log(alpha + counts.age) - np.log(alpha + counts.recency))
    return np.where(again, 1 / (1 + np.exp(np.minimum(odds, 700.0))), 1.0)


def expected_purchases(parameters: Purchasing, counts: Counts, weeks: float) -> np.ndarray:
    """Of each triple the purchases expected in the next `weeks`; equation 10.

    Its hypergeometric function is taken in Euler's form, in which the frequency stands in one argument only,
    so that it is exact for who has bought a thousand times. Where even that is beyond what floating point can
    hold, as for customers who are all alike, the distribution is added up instead.
    """
    r, alpha, b = parameters.r, parameters.alpha, parameters.b
    a = parameters.a + _HARMLESS if abs(parameters.a - 1) < _HARMLESS else parameters.a
    x = counts.frequency.astype(np.float64)
    third = a + b + x - 1
    third = np.where(np.abs(third) < _HARMLESS, _HARMLESS, third)
    z = weeks / (alpha + counts.age + weeks)
    with np.errstate(over="ignore", invalid="ignore"):
        left = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, third, z)
    found = np.asarray(third / (a - 1) * (1 - left))
    lost = ~np.isfinite(found)
    if lost.any():
        found[lost] = _added_up(parameters.a, r + x[lost], b + x[lost], z[lost])
    expected: np.ndarray = found * alive_probability(parameters, counts)
    return expected


class _Distribution:
    """The distribution of the purchases ahead of who is alive, from 0 on; equation 8 by recurrence."""

    def __init__(self, a: float, shape: np.ndarray, beta: np.ndarray, share: np.ndarray):
        self._a, self._shape, self._beta, self._share = a, shape, beta, share
        self._n = 0
        self.probability = (1 - share) ** shape
        self._going = self.probability  # of so many purchases of who never stops
        self._fewer = np.zeros(len(share))  # of fewer of them
        self._kept = np.ones(len(share))  # of not having stopped after so many

    def advance(self) -> None:
        """On to one purchase more."""
        n = self._n
        self._fewer = self._fewer + self._going
        self._going = self._going * (self._shape + n) / (n + 1) * self._share
        # Stopping right after the last of them: after those before not, then yes.
        stops = self._kept * self._a / (self._a + self._beta + n)
        self._kept = self._kept * (self._beta + n) / (self._a + self._beta + n)
        self.probability = self._kept * self._going + stops * np.maximum(1 - self._fewer, 0)
        self._n = n + 1

    def keep(self, which: np.ndarray) -> None:
        """Go on with some of the triples."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[which])


def _added_up(a: float, shape: np.ndarray, beta: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The expectation: the sum over n of the probability of more than n."""
    distribution = _Distribution(a, shape, beta, share)
    more = 1 - distribution.probability
    total = more.copy()
    for _ in range(_MOST):
        if more.max() < _NOTHING:
            break
        distribution.advance()
        more = np.maximum(more - distribution.probability, 0)
        total += more
    return np.asarray(total)


@dataclass(frozen=True)
class Outlook:
    """Of each triple: the least and the most purchases that the interval has, and how likely there is any."""

    low: np.ndarray
    high: np.ndarray
    any: np.ndarray


def outlook(parameters: Purchasing, counts: Counts, weeks: float, coverage: float) -> Outlook:
    """The interval of the purchases in the next `weeks`: whole numbers, with at least `coverage` within.

    Whoever is dead buys nothing. Whoever is alive is as a new customer whose rate and dropout are what was
    learned of them: BG/NBD with r + x, alpha + age, a and b + x, so that equation 8 has the distribution.
    """
    x = counts.frequency.astype(np.float64)
    alive = alive_probability(parameters, counts)
    share = weeks / (parameters.alpha + counts.age + weeks)
    distribution = _Distribution(parameters.a, parameters.r + x, parameters.b + x, share)
    tail = (1 - coverage) / 2
    low, high = np.zeros(len(x), np.int64), np.zeros(len(x), np.int64)
    left = np.arange(len(x))
    at_most = 1 - alive + alive * distribution.probability
    likely = 1 - at_most
    for _ in range(_MOST):
        low[left] += at_most < tail
        going = at_most < 1 - tail - _NOTHING
        left, alive, at_most = left[going], alive[going], at_most[going]
        if not len(left):
            break
        high[left] += 1
        distribution.keep(going)
        distribution.advance()
        at_most = at_most + alive * distribution.probability
    return Outlook(low, high, likely)
