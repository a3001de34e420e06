"""The scikit-learn pipeline that is fitted, and how a fitted one becomes a `Model`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from retail_assets.segmentation.features import Category, Number
from retail_assets.segmentation.model import LARGEST, UNITS, Categorical, Numeric

_LOWEST_PART, _HIGHEST_PART = 1, 99
"""Percentiles that a feature is limited to, so that a few extreme consumers make no segment of their own."""


class Limits(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Each column limited to its 1st and 99th percentile; what a logarithm is taken of, to 0 at least."""

    def __init__(self, log: tuple[bool, ...]):
        self.log = log

    def fit(self, values: np.ndarray, y: None = None) -> "Limits":
        """Remember the percentiles."""
        lowest, highest = np.percentile(values, [_LOWEST_PART, _HIGHEST_PART], axis=0)
        self.lowest_ = np.where(self.log, np.maximum(lowest, 0), lowest)
        self.highest_ = np.maximum(highest, self.lowest_)
        return self

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Apply them, then take the logarithms."""
        values = np.clip(values, self.lowest_, self.highest_)
        return np.where(self.log, np.log(1.0 + np.maximum(values, 0)), values)


def new_pipeline(
    numbers: Sequence[Number],
    categories: Sequence[tuple[Category, tuple[str, ...]]],
    segments: int,
    seed: int,
) -> Pipeline:
    """Impute, limit, scale and weigh numbers; encode and weigh categories; then find the centres."""
    parts: list[tuple[str, Pipeline, list[str]]] = []
    if numbers:
        parts.append(("numbers", _number_steps(numbers), [each.name for each in numbers]))
    for category, words in categories:
        parts.append((category.name, _category_steps(category, words), [category.name]))
    return Pipeline(
        [
            ("prepare", ColumnTransformer(parts)),
            ("whole", FunctionTransformer(whole)),
            ("cluster", KMeans(segments, n_init=10, random_state=seed)),
        ]
    )


def _number_steps(numbers: Sequence[Number]) -> Pipeline:
    weights = np.array([each.weight for each in numbers])
    return Pipeline(
        [
            ("finite", FunctionTransformer(finite)),
            ("impute", SimpleImputer(strategy="median")),
            ("limit", Limits(tuple(each.log for each in numbers))),
            ("scale", StandardScaler()),
            ("weigh", FunctionTransformer(weighed, kw_args={"weights": weights})),
        ]
    )


def _category_steps(category: Category, words: tuple[str, ...]) -> Pipeline:
    encoder = OneHotEncoder(categories=[list(words)], handle_unknown="ignore", sparse_output=False)
    return Pipeline(
        [
            ("impute", FunctionTransformer(worded)),
            ("encode", encoder),
            ("weigh", FunctionTransformer(weighed, kw_args={"weights": category.weight})),
        ]
    )


def finite(values: pd.DataFrame) -> np.ndarray:
    """Infinities are missing values."""
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    return np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)


def worded(values: pd.DataFrame) -> np.ndarray:
    """What is missing is an empty word, which is no category."""
    words = values.to_numpy(object)
    return np.where(pd.isna(words), "", words)


def weighed(values: np.ndarray, weights: np.ndarray | float) -> np.ndarray:
    """A feature counts as much as its weight says."""
    return values * weights


def whole(values: np.ndarray) -> np.ndarray:
    """The whole numbers that distances are measured in."""
    return np.floor(values * UNITS + 0.5)


def round_centres(pipeline: Pipeline) -> None:
    """Make the fitted centres whole, as what is compared with them is."""
    cluster = pipeline["cluster"]
    cluster.cluster_centers_ = np.floor(cluster.cluster_centers_ + 0.5)


def parameters(
    pipeline: Pipeline, numbers: Sequence[Number], categories: Sequence[tuple[Category, tuple[str, ...]]]
) -> tuple[tuple[Numeric, ...], tuple[Categorical, ...], tuple[tuple[int, ...], ...]]:
    """What was fitted: how numbers and categories are prepared, and the centres."""
    prepared: list[Numeric] = []
    if numbers:
        steps = pipeline["prepare"].named_transformers_["numbers"]
        fitted = zip(
            numbers,
            steps["impute"].statistics_,
            steps["limit"].lowest_,
            steps["limit"].highest_,
            steps["scale"].mean_,
            steps["scale"].scale_,
            strict=True,
        )
        prepared = [
            Numeric(
                n.name, float(median), float(low), float(high), n.log, float(mean), float(scale), n.weight
            )
            for n, median, low, high, mean, scale in fitted
        ]
    words = tuple(Categorical(category.name, names, category.weight) for category, names in categories)
    centres = tuple(tuple(int(value) for value in row) for row in pipeline["cluster"].cluster_centers_)
    return tuple(prepared), words, centres
