"""Whether a week is scored with the current model or retrained."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from retail_assets.segmentation.drift import drift
from retail_assets.segmentation.features import clustering_categories, clustering_numbers
from retail_assets.segmentation.model import Model
from retail_assets.segmentation.thresholds import Thresholds
from retail_assets.segmentation.training import quality, strangers


@dataclass(frozen=True)
class Decision:
    """`reasons` to retrain; none: the week is scored with the current model."""

    reasons: tuple[str, ...]
    drift: Mapping[str, float] = field(default_factory=dict)

    @property
    def retrain(self) -> bool:
        """Whether there is a reason."""
        return bool(self.reasons)

    @property
    def clustered_drift(self) -> Mapping[str, float]:
        """The index of each feature that takes part in distances."""
        clustered = {each.name for each in clustering_numbers()}
        clustered |= {each.name for each in clustering_categories()}
        return {name: index for name, index in self.drift.items() if name in clustered}


def decide(current: Model | None, sample: pd.DataFrame, thresholds: Thresholds) -> Decision:
    """The documented rule. A week is retrained if

    - there is no model yet, or it was made when nobody had bought, and somebody has now;
    - a clustered feature has moved (PSI of `retrain_drift` or more), come or gone;
    - the silhouette has lost `retrain_silhouette_loss` of what it was in training;
    - `retrain_strangers` of the consumers are farther from every centre than 99% were in training.

    Otherwise it is scored. A week in which nobody has bought has nothing to train on, and is scored.
    """
    if current is None:
        return Decision(("There is no model yet.",))
    if sample.empty:
        return Decision(())
    if not current.segments:
        return Decision(("Somebody has bought for the first time.",))
    drifted = Decision((), drift(current.bins, sample))
    reasons = [
        f"{name} has moved (stability index {index:.2f})."
        for name, index in drifted.clustered_drift.items()
        if index >= thresholds.retrain_drift
    ]
    now, then = quality(current, sample, thresholds)["silhouette"], current.training["silhouette"]
    if now < then * (1 - thresholds.retrain_silhouette_loss):
        reasons.append(f"The silhouette is {now:.2f}; in training it was {then:.2f}.")
    far = strangers(current, sample)
    if far >= thresholds.retrain_strangers:
        reasons.append(f"{far:.0%} of the consumers are far from every segment; in training 1% were.")
    return replace(drifted, reasons=tuple(reasons))
