"""What is asked of a week's segments, in one place: thresholds, and how bad it is to miss them."""

from dataclasses import dataclass

from retail_assets.weekly_assets import ERROR, WARN


@dataclass(frozen=True)
class Thresholds:
    """The limits that training, the decision to retrain, and the asset checks share."""

    sample: int = 20_000
    """Consumers that a model is trained on and that drift is measured on, at most."""
    trial_sample: int = 4_000
    """Of them, those on which numbers of segments are tried out."""
    silhouette_sample: int = 2_000
    most_segments: int = 10
    smallest_training: int = 50
    """With fewer consumers than this who have bought, all of them are one segment."""
    smallest_share: float = 0.01
    """A number of segments that makes a smaller one than this is not chosen."""
    resamples: int = 4
    stable: float = 0.75
    """Adjusted Rand index between resamples below which a number of segments is not chosen."""
    retrain_drift: float = 0.25
    """Population stability index of a feature from which on a week is retrained; 0.25 is the usual bound."""
    retrain_silhouette_loss: float = 0.25
    """Part of the training week's silhouette that may be lost before a week is retrained."""
    retrain_strangers: float = 0.05
    """Share of consumers farther from every centre than all but 1% were in training."""
    same_segment: float = 0.25
    """Overlap (members of both, of members of either) from which on a cluster is last week's segment."""
    split_share: float = 0.25
    """Part of a segment's members that a newborn one must have taken for a split."""
    floor_share: float = 0.002
    ceiling_share: float = 0.80
    floor_silhouette: float = 0.10
    most_drift: float = 0.25
    most_changed: float = 0.20


THRESHOLDS = Thresholds()

SEVERITY = {
    "one_segment_each": ERROR,
    "segment_sizes": WARN,
    "silhouette": WARN,
    "feature_drift": WARN,
    "changed_segment": WARN,
    "profiles_add_up": ERROR,
    "model_rebuilds": ERROR,
}
