"""A fitted model as it is stored: everything that assigning consumers takes, as JSON.

It is rebuilt from its text exactly, so that any past week can be scored again as then. Prepared features and
centres are whole numbers (ten-thousandths of a standard deviation, times the feature's weight), so that
squared distances are whole too: sums of them are the same in any order, in Python and in every warehouse.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

UNITS = 10_000
"""Steps of a standard deviation."""
LARGEST = 1e300
"""Anything beyond it, an infinity too, counts as missing."""
FORMAT = 1


class ModelError(Exception):
    """A stored model that this version cannot use; the message says what to do."""


@dataclass(frozen=True)
class Numeric:
    """How a number is prepared: filled, limited, its logarithm if `log`, scaled and weighed."""

    name: str
    median: float
    lowest: float
    highest: float
    log: bool
    mean: float
    scale: float
    weight: float


@dataclass(frozen=True)
class Categorical:
    """How a word is prepared: one column per category; any other word is none of them."""

    name: str
    categories: tuple[str, ...]
    weight: float


@dataclass(frozen=True)
class Assigned:
    """Of each consumer: the segment, the distance to its centre, and how clear the case is.

    `distance` is in standard deviations; `confidence` is 1 less the distance's part of that to the next
    centre: 1 at the centre, 0 halfway between two.
    """

    segment: np.ndarray
    distance: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Model:
    """A fitted model. `segments` are the identities of `centres`.

    They ascend, so that ties go to the lowest.
    """

    trained_week: str
    numbers: tuple[Numeric, ...]
    categories: tuple[Categorical, ...]
    segments: tuple[int, ...]
    centres: tuple[tuple[int, ...], ...]
    next_segment: int = 1
    """The identity of the next segment to be born; none is ever used twice."""
    names: Mapping[int, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Features that the training sample could not use, each with the reason."""
    bins: Mapping[str, Any] = field(default_factory=dict)
    """The training sample's distribution of each feature, which drift is measured against."""
    choice: Mapping[str, Any] = field(default_factory=dict)
    """Why there are as many segments as there are: the curve, and the reason in words."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Rows, seed and fingerprint of the sample, silhouette, the distance of the 99%, library versions."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The features that it reads."""
        return (*(each.name for each in self.numbers), *(each.name for each in self.categories))

    def prepared(self, frame: "pd.DataFrame") -> np.ndarray:
        """The features of `frame` as the whole numbers that distances are measured in."""
        parts = [_prepared_number(frame[each.name].to_numpy(np.float64, na_value=np.nan), each)
                 for each in self.numbers]  # fmt: skip
        for each in self.categories:
            words = frame[each.name].to_numpy(object)
            weight = _whole(each.weight * UNITS)
            parts += [np.where(words == word, weight, 0.0) for word in each.categories]
        return np.column_stack(parts) if parts else np.zeros((len(frame), 0))

    def squared_distances(self, frame: "pd.DataFrame") -> np.ndarray:
        """Consumers x segments, in squared units; whole numbers."""
        points, centres = self.prepared(frame), np.array(self.centres, dtype=np.float64)
        return np.column_stack([((points - centre) ** 2).sum(axis=1) for centre in centres])

    def assign(self, frame: "pd.DataFrame") -> Assigned:
        """The nearest segment of each consumer; of two as near, the lowest."""
        distances = self.squared_distances(frame)
        nearest = distances.argmin(axis=1)
        rows = np.arange(len(distances))
        own = np.sqrt(distances[rows, nearest])
        confidence = np.ones(len(distances))
        if len(self.segments) > 1:
            others = distances.copy()
            others[rows, nearest] = np.inf
            next_one = np.sqrt(others.min(axis=1))
            confidence = np.where(next_one > 0, 1 - own / np.where(next_one > 0, next_one, 1), 0.0)
        return Assigned(np.array(self.segments)[nearest], own / UNITS, confidence)

    def named(self, names: Mapping[int, str]) -> "Model":
        """The same model with the segments' names."""
        return replace(self, names=dict(names))

    def to_json(self) -> str:
        """Its text; the same model has the same text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Model":
        """The model of a text. Raises `ModelError` for one of another format."""
        values = json.loads(text)
        if values.pop("format", None) != FORMAT:
            raise ModelError("The stored model has another format. Run its week again.")
        return cls(
            **values
            | {
                "numbers": tuple(Numeric(**each) for each in values["numbers"]),
                "categories": tuple(
                    Categorical(**each | {"categories": tuple(each["categories"])})
                    for each in values["categories"]
                ),
                "segments": tuple(values["segments"]),
                "centres": tuple(map(tuple, values["centres"])),
                "names": {int(segment): name for segment, name in values["names"].items()},
            }
        )


def reordered(model: Model, segments: Sequence[int]) -> Model:
    """The model with new identities for its centres, in ascending order of them."""
    order = sorted(range(len(segments)), key=lambda position: segments[position])
    return replace(
        model,
        segments=tuple(segments[position] for position in order),
        centres=tuple(model.centres[position] for position in order),
    )


def _prepared_number(values: np.ndarray, feature: Numeric) -> np.ndarray:
    usable = np.abs(values) <= LARGEST
    values = np.clip(np.where(usable, values, feature.median), feature.lowest, feature.highest)
    if feature.log:
        values = np.log(1.0 + values)
    whole: np.ndarray = _whole((values - feature.mean) / feature.scale * feature.weight * UNITS)
    return whole


def _whole(values: Any) -> Any:
    return np.floor(values + 0.5)
