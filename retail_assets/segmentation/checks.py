"""What is asked of every week: pure functions of what came of it, and a look at the tables."""

from collections.abc import Iterator
from typing import Any

from retail_assets.resources.warehouse import Execute
from retail_assets.segmentation import tables
from retail_assets.segmentation.catalog import MODELS, SEGMENTS, monday, table
from retail_assets.segmentation.features import CATEGORIES, FEATURES_TABLE, NO_PURCHASE, NUMBERS
from retail_assets.segmentation.model import Model
from retail_assets.segmentation.thresholds import Thresholds
from retail_assets.segmentation.weekly import Week
from retail_assets.weekly_assets import Finding

_RESCORED = 1_000
_TOLERANCE = 1e-6


def findings(
    execute: Execute, week: Week, thresholds: Thresholds, features: str = FEATURES_TABLE
) -> Iterator[Finding]:
    """Every check's finding on a week that was just stored."""
    yield _one_segment_each(execute, week.week, features)
    yield _segment_sizes(week, thresholds)
    yield _changed_segment(week, thresholds)
    yield _silhouette(week, thresholds)
    yield _feature_drift(week, thresholds)
    yield _profiles_add_up(week)
    yield _model_rebuilds(execute, week.week, features)


def _one_segment_each(execute: Execute, week: str, features: str) -> Finding:
    eligible = f"select consumer_key from {features} where week_start = {monday(week)}"
    ((wrong,),) = execute(
        f"select count(*) from (select f.consumer_key from ({eligible}) as f"
        " full outer join (select consumer_key, count(*) as segments"
        f" from {table(SEGMENTS)} where week_start = {monday(week)} group by consumer_key) as s"
        " on f.consumer_key = s.consumer_key"
        " where f.consumer_key is null or s.segments is null or s.segments <> 1) as wrong"
    )
    return Finding("one_segment_each", wrong == 0, f"{wrong:,} consumers without exactly one segment", wrong)


def _segment_sizes(week: Week, thresholds: Thresholds) -> Finding:
    rows = [row for row in week.profiles.rows if row["segment"] != NO_PURCHASE]
    total = sum(row["consumers"] for row in rows)
    wrong = [
        f"segment {row['segment']} has {row['consumers'] / total:.1%}"
        for row in rows
        if not thresholds.floor_share <= row["consumers"] / total <= thresholds.ceiling_share
    ]
    limits = f"{thresholds.floor_share:.1%} to {thresholds.ceiling_share:.0%} of those who have bought"
    return Finding("segment_sizes", not wrong, ", ".join(wrong) or f"all have {limits}", len(wrong))


def _changed_segment(week: Week, thresholds: Thresholds) -> Finding:
    both = {
        pair: consumers
        for pair, consumers in week.profiles.migration.items()
        if pair[0] not in (None, NO_PURCHASE) and pair[1] is not None
    }
    total = sum(both.values())
    changed = sum(consumers for (before, now), consumers in both.items() if before != now)
    share = changed / total if total else 0.0
    said = f"{share:.1%} of last week's consumers are in another segment"
    return Finding("changed_segment", share <= thresholds.most_changed, said, round(share, 6))


def _silhouette(week: Week, thresholds: Thresholds) -> Finding:
    value = week.quality["silhouette"]
    if week.sample.empty:
        return Finding("silhouette", True, "nobody has bought", value)
    if len(week.model.segments) < 2:
        said = f"{len(week.model.segments)} segments: {week.model.choice['reason']}"
        return Finding("silhouette", False, said, value)
    said = f"silhouette {value:.2f}, the floor is {thresholds.floor_silhouette}"
    return Finding("silhouette", value >= thresholds.floor_silhouette, said, value)


def _feature_drift(week: Week, thresholds: Thresholds) -> Finding:
    if week.model.trained_week == week.week:
        return Finding("feature_drift", True, "this is the training week", 0.0)
    clustered = week.decision.clustered_drift
    far = {name: index for name, index in clustered.items() if index >= thresholds.most_drift}
    said = ", ".join(f"{name} {index:.2f}" for name, index in far.items())
    return Finding("feature_drift", not far, f"moved: {said or 'none'}", max(clustered.values(), default=0.0))


def _profiles_add_up(week: Week) -> Finding:
    rows = week.profiles.rows
    wrong = []
    for share in ("consumer_share", "revenue_share", "margin_share"):
        parts = [row[share] for row in rows if row[share] is not None]
        if parts and abs(sum(parts) - 1) > _TOLERANCE * len(parts):
            wrong.append(f"{share} sums to {sum(parts):.6f}")
    if len({row["segment_name"] for row in rows}) < len(rows):
        wrong.append("two segments have the same name")
    if any(not row["description"] or not row["suggested_action"] for row in rows):
        wrong.append("a segment is not described")
    return Finding("profiles_add_up", not wrong, ", ".join(wrong) or "they do", len(wrong))


def _model_rebuilds(execute: Execute, week: str, features: str) -> Finding:
    ((stored,),) = execute(f"select model from {table(MODELS)} where week_start = {monday(week)}")
    model = Model.from_json(stored)
    columns = ", ".join(
        [*(f"cast(f.{each.name} as double)" for each in NUMBERS), *(f"f.{each.name}" for each in CATEGORIES)]
    )
    rows: list[tuple[Any, ...]] = list(
        execute(
            f"select s.segment, {columns} from {table(SEGMENTS)} as s"
            f" inner join {features} as f on f.week_start = s.week_start and f.consumer_key = s.consumer_key"
            f" where s.week_start = {monday(week)} and s.segment <> {NO_PURCHASE}"
            f" order by s.consumer_key limit {_RESCORED}"
        )
    )
    if not rows:
        return Finding("model_rebuilds", True, "nobody has bought", 0)
    again = model.assign(tables.frame_of([row[1:] for row in rows])).segment
    differing = sum(int(row[0] != segment) for row, segment in zip(rows, again, strict=True))
    return Finding("model_rebuilds", not differing, f"{differing} of {len(rows)} consumers differ", differing)
