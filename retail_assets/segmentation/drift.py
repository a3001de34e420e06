"""How far features have moved since the training week: the population stability index (PSI).

The training sample's distribution is kept in bins: deciles of numbers, words of categories, and one bin for
missing values. PSI is the sum of (share now - share then) * ln(share now / share then) over them. Below 0.1
is usually called stable, above 0.25 a shift.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.segmentation.features import CATEGORIES, NUMBERS
from retail_assets.segmentation.model import LARGEST

_BINS = 10
_WORDS = 20
_SMALLEST_SHARE = 0.001
"""Stands in for a share of 0, which has no logarithm."""


def distributions(sample: pd.DataFrame) -> dict[str, Any]:
    """Of each feature its bins, and the sample's share in each."""
    found: dict[str, Any] = {}
    for number in NUMBERS:
        values = _numbers(sample, number.name)
        known = values[~np.isnan(values)]
        edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.array([])
        found[number.name] = {"edges": edges.tolist(), "shares": _number_shares(values, edges)}
    for category in CATEGORIES:
        words = sample[category.name]
        kept = sorted(words.value_counts().sort_index().nlargest(_WORDS).index.astype(str))
        found[category.name] = {"words": kept, "shares": _word_shares(words, kept)}
    return found


def drift(bins: Mapping[str, Any], sample: pd.DataFrame) -> dict[str, float]:
    """PSI of each feature against the distributions of the training week."""
    if sample.empty:
        return {}
    found = {}
    for name, then in bins.items():
        now = (
            _word_shares(sample[name], then["words"])
            if "words" in then
            else _number_shares(_numbers(sample, name), np.array(then["edges"]))
        )
        found[name] = round(psi(np.array(then["shares"]), np.array(now)), 6)
    return found


def psi(then: np.ndarray, now: np.ndarray) -> float:
    """The index of two distributions over the same bins; 0 if they are alike."""
    then, now = np.maximum(then, _SMALLEST_SHARE), np.maximum(now, _SMALLEST_SHARE)
    return float(((now - then) * np.log(now / then)).sum())


def _numbers(sample: pd.DataFrame, name: str) -> np.ndarray:
    values = sample[name].to_numpy(np.float64, na_value=np.nan)
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def _number_shares(values: np.ndarray, edges: np.ndarray) -> list[float]:
    """The shares up to each edge, above the last, and without a value."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    shares: list[float] = (np.append(counts, len(values) - len(known)) / max(len(values), 1)).tolist()
    return shares


def _word_shares(words: pd.Series, kept: list[str]) -> list[float]:
    """The shares of each word, of all others, and without one."""
    counts = [int((words == word).sum()) for word in kept]
    missing = int(words.isna().sum())
    return [count / max(len(words), 1) for count in [*counts, len(words) - sum(counts) - missing, missing]]
