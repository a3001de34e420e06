"""One week of segments, from the features in the warehouse to its rows in three tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retail_assets.resources.warehouse import Execute, transaction
from retail_assets.segmentation import tables
from retail_assets.segmentation.catalog import MODELS, PROFILES
from retail_assets.segmentation.decision import Decision, decide
from retail_assets.segmentation.features import FEATURES_TABLE
from retail_assets.segmentation.identity import match
from retail_assets.segmentation.model import Model, reordered
from retail_assets.segmentation.profiles import Profiles, profiles_of
from retail_assets.segmentation.tables import Stored
from retail_assets.segmentation.thresholds import THRESHOLDS, Thresholds
from retail_assets.segmentation.training import quality, strangers, train

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Week:
    """What came of a week; `sample` is what pictures and checks look at."""

    week: str
    model: Model
    decision: Decision
    events: tuple[str, ...]
    profiles: Profiles
    quality: Mapping[str, float]
    sample: "pd.DataFrame"
    previous: Stored | None


def run_week(
    execute: Execute, week: str, thresholds: Thresholds = THRESHOLDS, features: str = FEATURES_TABLE
) -> Week:
    """Score or train a week and replace its rows, all of them in one transaction.

    It depends on the week's features and on the newest week before it, on nothing else: the same data gives
    the same rows, one by one or in one go.
    """
    tables.create(execute)
    previous = tables.read_previous(execute, week)
    sample = tables.read_sample(execute, week, thresholds.sample, features)
    decision = decide(previous.model if previous else None, sample, thresholds)
    model, events = (
        _trained(execute, week, previous, sample, thresholds, features)
        if decision.retrain or not previous
        else (previous.model, ())
    )
    with transaction(execute):
        tables.delete_week(execute, week)
        tables.insert_segments(execute, model, week, previous, features)
        profiles = profiles_of(execute, week, previous.week if previous else None, model.names, features)
        model = model.named({**model.names, **profiles.names})
        measured = {
            "silhouette": quality(model, sample, thresholds)["silhouette"],
            "strangers": round(strangers(model, sample), 6),
        }
        tables.insert_rows(execute, PROFILES, profiles.rows)
        tables.insert_rows(execute, MODELS, [_row(week, model, decision, events, measured)])
    return Week(week, model, decision, events, profiles, measured, sample, previous)


def _trained(
    execute: Execute,
    week: str,
    previous: Stored | None,
    sample: "pd.DataFrame",
    thresholds: Thresholds,
    features: str,
) -> tuple[Model, tuple[str, ...]]:
    """A new model, its clusters under last week's identities where they are the same people's."""
    model = train(sample, week, thresholds).model
    if not previous or not previous.model.segments:
        return model, ()
    shared, newcomers = tables.read_shared(execute, model, week, previous, features)
    before = previous.model
    matched = match(shared, newcomers, before.segments, before.next_segment, thresholds)
    names = {segment: name for segment, name in before.names.items() if segment in (0, *matched.segments)}
    model = replace(reordered(model, matched.segments), next_segment=matched.next_segment, names=names)
    return model, matched.events


def _row(
    week: str, model: Model, decision: Decision, events: tuple[str, ...], measured: Mapping[str, float]
) -> dict[str, Any]:
    return {
        "week_start": week,
        "trained_week": model.trained_week,
        "is_trained": model.trained_week == week,
        "reason": " ".join(decision.reasons) or None,
        "segments": len(model.segments),
        **measured,
        "largest_drift": max(decision.clustered_drift.values(), default=None),
        "events": " ".join(events) or None,
        "model": model.to_json(),
    }
