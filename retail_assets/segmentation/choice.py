"""How many segments there are: tried out, judged, and explained."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from retail_assets.segmentation.thresholds import Thresholds

_TRIAL_STARTS = 4
_CLOSE = 0.01
"""Silhouettes that differ by less are equally good."""


@dataclass(frozen=True)
class Trial:
    """One number of segments, judged on the trial sample."""

    segments: int
    silhouette: float
    """-1 to 1: how much nearer consumers are to their own segment than to the next; high is good."""
    davies_bouldin: float
    """How wide segments are relative to the distance between them; low is good."""
    stability: float
    """Adjusted Rand index between the whole sample's segments and those found in halves of it."""
    smallest_share: float
    largest_share: float


@dataclass(frozen=True)
class Choice:
    """The number chosen, why, and everything that was tried."""

    segments: int
    reason: str
    trials: tuple[Trial, ...]

    def to_dict(self) -> dict[str, Any]:
        """For the stored model."""
        return {**asdict(self), "trials": [asdict(trial) for trial in self.trials]}


def choose(points: np.ndarray, thresholds: Thresholds, seed: int) -> Choice:
    """The number of segments of prepared `points`.

    Among the numbers that are stable under resampling, make no tiny segment and none with nearly everybody
    in it, the one with the highest silhouette; of those as good, the one with the lowest Davies-Bouldin
    index. If none is stable, the most stable one.
    """
    if len(points) < thresholds.smallest_training:
        return Choice(1, f"{len(points)} consumers who have bought are too few to tell apart.", ())
    different = len(np.unique(points, axis=0))
    if different == 1:
        return Choice(1, "All consumers who have bought are alike.", ())
    most = min(thresholds.most_segments, different)
    tried = [_trial(points, number, thresholds, seed) for number in range(2, most + 1)]
    return _best([trial for trial in tried if trial], thresholds)


def _best(trials: Sequence[Trial], thresholds: Thresholds) -> Choice:
    large = [each for each in trials if each.smallest_share >= thresholds.smallest_share] or list(trials)
    stable = [each for each in large if each.stability >= thresholds.stable]
    if not stable:
        best = max(large, key=lambda each: each.stability)
        reason = f"No number reaches a stability of {thresholds.stable}; {best.segments} is the most stable."
        return Choice(best.segments, reason, tuple(trials))
    # A few who are unlike all others, such as shops that buy for resale, hide the differences among the rest.
    useful = [each for each in stable if each.largest_share <= thresholds.ceiling_share] or stable
    highest = max(each.silhouette for each in useful)
    close = [each for each in useful if each.silhouette >= highest - _CLOSE]
    best = min(close, key=lambda each: each.davies_bouldin)
    reason = (
        f"{best.segments} segments have the highest silhouette ({best.silhouette:.2f}) of the numbers that"
        f" are stable under resampling (at least {thresholds.stable}; here {best.stability:.2f})."
    )
    if len(useful) < len(stable):
        reason += (
            f" Numbers that put more than {thresholds.ceiling_share:.0%} into one segment were passed over."
        )
    if len(close) > 1:
        reason += f" The Davies-Bouldin index ({best.davies_bouldin:.2f}) decided among {len(close)} as good."
    return Choice(best.segments, reason, tuple(trials))


def _trial(points: np.ndarray, number: int, thresholds: Thresholds, seed: int) -> Trial | None:
    labels = _clusters(points, number, seed).labels_
    sizes = np.bincount(labels, minlength=number)
    if not sizes.all():
        return None
    draws = np.random.default_rng([seed, number])
    found = []
    for _ in range(thresholds.resamples):
        half = np.sort(draws.choice(len(points), max(number, len(points) // 2), replace=False))
        again = _clusters(points[half], number, seed).predict(points)
        found.append(adjusted_rand_score(labels, again))
    return Trial(
        number,
        _rounded(silhouette(points, labels, thresholds)),
        _rounded(davies_bouldin_score(points, labels)),
        _rounded(float(np.mean(found))),
        _rounded(sizes.min() / len(points)),
        _rounded(sizes.max() / len(points)),
    )


def silhouette(points: np.ndarray, labels: np.ndarray, thresholds: Thresholds) -> float:
    """The mean silhouette of the first rows, which are a sample; 0 where there is one segment only."""
    points, labels = points[: thresholds.silhouette_sample], labels[: thresholds.silhouette_sample]
    if not 1 < len(np.unique(labels)) < len(labels):
        return 0.0
    return float(silhouette_score(points, labels))


def _clusters(points: np.ndarray, number: int, seed: int) -> KMeans:
    return KMeans(number, n_init=_TRIAL_STARTS, random_state=seed).fit(points)


def _rounded(value: float) -> float:
    # Digits that a library's next version may change are in no stored model.
    return round(float(value), 6)
