"""What a purchase brings: the Gamma-Gamma model.

A customer's purchases vary about a mean of their own (gamma: p), and the means vary over customers (gamma: q
and v, which is `gamma` in the paper). Fader, Hardie and Lee, "RFM and CLV", Journal of Marketing Research 42
(2005); Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013). It takes the mean to be
independent of how often somebody buys; `correlation` tells how true that is.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from retail_assets.lifetime_value.fitting import Objective, best

STARTS = ((1.0, 1.0, 1.0), (6.0, 3.0, 1.0), (2.0, 10.0, 10.0))
"""p, q - 1, and v in units of the mean amount."""


@dataclass(frozen=True)
class Spending:
    """The model's parameters; `v` is in money. q is above 1, so that there is a mean."""

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """What a purchase of a customer brings of whom nothing is known yet."""
        return self.p * self.v / (self.q - 1)


def fit(purchases: np.ndarray, means: np.ndarray) -> Spending:
    """The parameters of the greatest likelihood, by each customer's purchases and their mean, above 0."""
    unit = float(means.mean())
    p, above, v = best(_objective(purchases.astype(np.float64), means / unit), STARTS)
    return Spending(p, 1 + above, float(f"{v * unit:.8e}"))


def log_likelihood(parameters: Spending, purchases: np.ndarray, means: np.ndarray) -> float:
    """Of the means, given how many purchases each is of."""
    logs = np.log([parameters.p, parameters.q - 1, parameters.v])
    return -_objective(purchases.astype(np.float64), means)(logs)[0] * len(means)


def expected_mean(parameters: Spending, purchases: np.ndarray, total: np.ndarray) -> np.ndarray:
    """What a purchase of each customer brings: their own mean, drawn to everybody's by how few there are.

    `total` is what the `purchases` brought together; it may be below 0.
    """
    p, q, v = parameters.p, parameters.q, parameters.v
    return np.asarray(p * (v + total) / (p * purchases + q - 1))


def correlation(purchases: np.ndarray, means: np.ndarray) -> float:
    """Between how often somebody buys and what they bring; 0 where either is the same for everybody."""
    if len(means) < 2 or np.ptp(purchases) == 0 or np.ptp(means) == 0:
        return 0.0
    return float(np.corrcoef(purchases, means)[0, 1])


def _objective(purchases: np.ndarray, means: np.ndarray) -> Objective:
    distinct, which = np.unique(purchases, return_inverse=True)
    share = np.bincount(which, minlength=len(distinct)) / len(means)
    log_means = float(np.log(means).mean())
    log_purchases = np.log(distinct)
    log_totals = purchases * np.log(means)
    mean_log_totals = float(log_totals.mean())

    def objective(logs: np.ndarray) -> tuple[float, np.ndarray]:
        p, above, v = (float(each) for each in np.exp(logs))
        q = 1 + above
        spread = np.log(purchases * means + v)
        value = (
            share * (gammaln(p * distinct + q) - gammaln(p * distinct) + p * distinct * log_purchases)
        ).sum()
        value += q * np.log(v) - gammaln(q) + p * mean_log_totals - log_means
        value -= ((p * purchases + q) * spread).mean()
        by_p = (share * distinct * (digamma(p * distinct + q) - digamma(p * distinct) + log_purchases)).sum()
        by_p += mean_log_totals - (purchases * spread).mean()
        by_q = (share * digamma(p * distinct + q)).sum() - digamma(q) + np.log(v) - spread.mean()
        by_v = q / v - ((p * purchases + q) / (purchases * means + v)).mean()
        return -float(value), -np.array([by_p * p, by_q * above, by_v * v])

    return objective
