"""From a sample of consumers to a fitted model."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from retail_assets.segmentation.choice import Choice, choose, silhouette
from retail_assets.segmentation.drift import distributions
from retail_assets.segmentation.features import (
    Category,
    Number,
    clustering_categories,
    clustering_numbers,
)
from retail_assets.segmentation.model import LARGEST, Model
from retail_assets.segmentation.pipeline import new_pipeline, parameters, round_centres
from retail_assets.segmentation.thresholds import Thresholds
from retail_assets.versions import libraries

SEED = 4
MOST_CATEGORIES = 12
RAREST_CATEGORY = 0.01
"""Categories with a smaller share of the sample get no column of their own."""
FAR = 99
"""Percentile of the training sample's distances beyond which a consumer is a stranger."""

Words = tuple[tuple[Category, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Fitted:
    """A model and the pipeline that it was taken from; none where there was nothing to fit."""

    model: Model
    pipeline: Pipeline | None


def train(sample: pd.DataFrame, week: str, thresholds: Thresholds, seed: int = SEED) -> Fitted:
    """Fit a model on `sample` (one row per consumer who has bought, with the features as columns).

    Segments are numbered from 1; `identity.match` gives them last week's numbers. The same sample makes the
    same model: seeded, and on one thread, because several would add up in any order.
    """
    numbers, categories, left_out = _usable(sample)
    with threadpool_limits(1):
        choice, pipeline = _fit(sample, numbers, categories, thresholds, seed)
    prepared, words, centres = (
        parameters(pipeline, numbers, categories) if pipeline else ((), (), ((),) if len(sample) else ())
    )
    model = Model(
        trained_week=week,
        numbers=prepared,
        categories=words,
        segments=tuple(range(1, len(centres) + 1)),
        centres=centres,
        next_segment=len(centres) + 1,
        left_out=left_out,
        bins=distributions(sample),
        choice=choice.to_dict(),
    )
    return Fitted(_with_training(model, sample, thresholds, seed), pipeline)


def _fit(
    sample: pd.DataFrame, numbers: tuple[Number, ...], categories: Words, thresholds: Thresholds, seed: int
) -> tuple[Choice, Pipeline | None]:
    if sample.empty:
        return Choice(0, "Nobody has bought yet.", ()), None
    if not numbers and not categories:
        return Choice(1, "All consumers who have bought are alike.", ()), None
    trial = new_pipeline(numbers, categories, 1, seed)
    points = trial[:-1].fit_transform(sample)
    choice = choose(points[: thresholds.trial_sample], thresholds, seed)
    pipeline = new_pipeline(numbers, categories, choice.segments, seed).fit(sample)
    round_centres(pipeline)
    return choice, pipeline


def _usable(sample: pd.DataFrame) -> tuple[tuple[Number, ...], Words, dict[str, str]]:
    """The features that can be clustered on, and the reasons why the others cannot."""
    left_out: dict[str, str] = {}
    numbers = []
    for number in clustering_numbers():
        values = sample[number.name].to_numpy(np.float64, na_value=np.nan)
        values = values[np.abs(values) <= LARGEST]
        if not len(values):
            left_out[number.name] = "missing for everybody"
        elif len(np.unique(values)) == 1:
            left_out[number.name] = "the same for everybody"
        else:
            numbers.append(number)
    categories = []
    for category in clustering_categories():
        words = _words(sample[category.name])
        if len(words) > 1:
            categories.append((category, words))
        else:
            left_out[category.name] = "fewer than two frequent categories"
    return tuple(numbers), tuple(categories), left_out


def _words(column: pd.Series) -> tuple[str, ...]:
    shares = column.dropna().value_counts() / max(len(column), 1)
    frequent = shares[shares >= RAREST_CATEGORY]
    by_frequency = sorted(frequent.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(sorted(str(word) for word, _ in by_frequency[:MOST_CATEGORIES]))


def _with_training(model: Model, sample: pd.DataFrame, thresholds: Thresholds, seed: int) -> Model:
    from dataclasses import replace

    facts: dict[str, Any] = {
        "rows": len(sample),
        "seed": seed,
        "fingerprint": fingerprint(sample),
        "libraries": libraries("numpy", "pandas", "scikit-learn", "scipy"),
    }
    if len(sample):
        facts |= quality(model, sample, thresholds)
        facts["far"] = float(np.percentile(model.assign(sample).distance, FAR))
    return replace(model, training=facts)


def quality(model: Model, sample: pd.DataFrame, thresholds: Thresholds) -> Mapping[str, float]:
    """How well the model's segments keep this sample's consumers apart."""
    if sample.empty or len(model.segments) < 2:
        return {"silhouette": 0.0}
    with threadpool_limits(1):
        value = silhouette(model.prepared(sample), model.assign(sample).segment, thresholds)
    return {"silhouette": round(value, 6)}


def strangers(model: Model, sample: pd.DataFrame) -> float:
    """Share of the consumers who are farther from every centre than 99% of the training sample were."""
    if sample.empty or "far" not in model.training:
        return 0.0
    return float((model.assign(sample).distance > model.training["far"]).mean())


def fingerprint(sample: pd.DataFrame) -> str:
    """A hash of the sample's rows: the same data has the same."""
    digest = hashlib.sha256()
    for name in sorted(sample.columns):
        column = sample[name]
        texts = ["" if pd.isna(value) else str(value) for value in column]
        digest.update(f"{name}\0{chr(31).join(texts)}\0".encode())
    return digest.hexdigest()
