"""A week's profiles: what each segment is like, who came and went. Sums are the warehouse's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.resources.warehouse import Execute
from retail_assets.segmentation import wording
from retail_assets.segmentation.catalog import SEGMENTS, monday, table
from retail_assets.segmentation.features import FEATURES_TABLE, NO_PURCHASE, NO_PURCHASE_NAME, NUMBERS, Number
from retail_assets.segmentation.model import LARGEST

_FLATTEST = 1e-9

Migration = Mapping[tuple[int | None, int | None], int]
"""Consumers by segment last week and this week; None: in none of it."""


@dataclass(frozen=True)
class Profiles:
    """The rows of `segment_profiles` of a week, by segment, and what pictures are drawn from."""

    rows: Sequence[dict[str, Any]]
    deviations: Mapping[int, wording.Deviations]
    migration: Migration

    @property
    def names(self) -> dict[int, str]:
        """The segments' names."""
        return {row["segment"]: row["segment_name"] for row in self.rows}


def profiles_of(
    execute: Execute,
    week: str,
    previous_week: str | None,
    known_names: Mapping[int, str],
    features: str = FEATURES_TABLE,
) -> Profiles:
    """The profiles of a week whose consumers are assigned already.

    Segments in `known_names` keep their names: a name belongs to an identity from its birth on.
    """
    joined = (
        f"from {table(SEGMENTS)} as s inner join {features} as f"
        " on f.week_start = s.week_start and f.consumer_key = s.consumer_key"
        f" where s.week_start = {monday(week)}"
    )
    totals = _totals(execute, joined)
    deviations = _deviations(execute, joined)
    categories = _categories(execute, joined)
    migration = _migration(execute, week, previous_week)
    names = dict(known_names)
    for segment in sorted(totals):
        if segment not in names:
            names[segment] = (
                NO_PURCHASE_NAME
                if segment == NO_PURCHASE
                else wording.name(deviations[segment], *categories[segment], taken=names.values())
            )
    rows = [
        {
            "week_start": week,
            "segment": segment,
            "segment_name": names[segment],
            **_said(segment, deviations, categories),
            **_shares(totals, segment),
            **_moved(migration, segment, names),
            **{each.name: totals[segment][each.name] for each in NUMBERS},
        }
        for segment in sorted(totals)
    ]
    return Profiles(rows, deviations, migration)


def _totals(execute: Execute, joined: str) -> dict[int, dict[str, Any]]:
    """Of each segment: consumers, revenue, margin, and the average of each feature."""
    averages = ", ".join(f"round(avg({_usable(each)}), 4)" for each in NUMBERS)
    rows = execute(
        "select s.segment, count(*), coalesce(sum(f.revenue_last_year), 0),"
        f" coalesce(sum(f.margin_last_year), 0), {averages} {joined} group by s.segment"
    )
    names = ("consumers", "revenue_last_year", "margin_last_year", *(each.name for each in NUMBERS))
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def _deviations(execute: Execute, joined: str) -> dict[int, dict[str, float]]:
    """How far each segment's average lies from that of all who have bought, in standard deviations."""
    values = ", ".join(f"{_compared(each)} as {each.name}" for each in NUMBERS)
    spread = ", ".join(f"avg({each.name}), stddev_pop({each.name})" for each in NUMBERS)
    average = ", ".join(f"avg({each.name})" for each in NUMBERS)
    bought = f"(select s.segment, {values} {joined} and s.segment <> {NO_PURCHASE}) as bought"
    (all_,) = execute(f"select {spread} from {bought}")
    found = {}
    for segment, *averages in execute(f"select segment, {average} from {bought} group by segment"):
        found[segment] = {
            each.name: _standard(value, all_[2 * position], all_[2 * position + 1])
            for position, (each, value) in enumerate(zip(NUMBERS, averages, strict=True))
        }
    return found


def _compared(number: Number) -> str:
    usable = f"cast({_usable(number)} as double)"
    return f"ln(1 + case when {usable} < 0 then 0 else {usable} end)" if number.log else usable


def _usable(number: Number) -> str:
    """What is no number, such as an infinity, is missing, as it is to the model."""
    value = f"f.{number.name}"
    return f"case when cast({value} as double) between {-LARGEST} and {LARGEST} then {value} end"


def _standard(value: Any, mean: Any, deviation: Any) -> float:
    if value is None or not deviation or float(deviation) < _FLATTEST:
        return 0.0
    return round((float(value) - float(mean)) / float(deviation), 6)


def _categories(execute: Execute, joined: str) -> dict[int, tuple[str | None, float]]:
    """The most frequent top category of each segment, and its share."""
    counted: dict[int, list[tuple[int, str | None]]] = {}
    for segment, category, consumers in execute(
        f"select s.segment, f.top_category, count(*) {joined} group by s.segment, f.top_category"
    ):
        counted.setdefault(segment, []).append((consumers, category))
    found = {}
    for segment, pairs in counted.items():
        size = sum(consumers for consumers, _ in pairs)
        known = [pair for pair in pairs if pair[1] is not None]
        best = min(known, key=lambda pair: (-pair[0], pair[1]), default=(0, None))
        found[segment] = (best[1], best[0] / size)
    return found


def _migration(execute: Execute, week: str, previous_week: str | None) -> Migration:
    if previous_week is None:
        return {}
    rows = execute(
        "select before.segment, now.segment, count(*)"
        f" from ({_members(previous_week)}) as before full outer join ({_members(week)}) as now"
        " on before.consumer_key = now.consumer_key group by before.segment, now.segment"
    )
    return {(before, now): consumers for before, now, consumers in rows}


def _members(week: str) -> str:
    return f"select consumer_key, segment from {table(SEGMENTS)} where week_start = {monday(week)}"


def _said(
    segment: int,
    deviations: Mapping[int, wording.Deviations],
    categories: Mapping[int, tuple[str | None, float]],
) -> dict[str, Any]:
    category, share = categories[segment]
    said = {"top_category": category, "top_category_share": _part(share) if category else None}
    if segment == NO_PURCHASE:
        return said | {
            "description": "Known, but has not bought anything yet.",
            "suggested_action": "A welcome offer for the first order.",
        }
    return said | {
        "description": wording.description(deviations[segment], category, share),
        "suggested_action": wording.suggested_action(deviations[segment]),
    }


def _shares(totals: Mapping[int, Mapping[str, Any]], segment: int) -> dict[str, Any]:
    own = totals[segment]
    shares = {}
    for name, share in (
        ("consumers", "consumer_share"),
        ("revenue_last_year", "revenue_share"),
        ("margin_last_year", "margin_share"),
    ):
        whole = sum(each[name] for each in totals.values())
        shares[name] = own[name]
        shares[share] = _part(own[name] / whole) if whole else None
    return shares


def _moved(migration: Migration, segment: int, names: Mapping[int, str]) -> dict[str, Any]:
    came = {before: n for (before, now), n in migration.items() if now == segment and before != segment}
    gone = {now: n for (before, now), n in migration.items() if before == segment and now != segment}
    new = came.pop(None, 0)
    texts = [
        *_largest("came from", came, names),
        *_largest("went to", {now: n for now, n in gone.items() if now is not None}, names),
    ]
    return {
        "stayed": migration.get((segment, segment), 0),
        "came": sum(came.values()),
        "new_consumers": new,
        "gone": sum(gone.values()),
        "migration": "; ".join(texts) or None,
    }


def _largest(direction: str, moves: Mapping[Any, int], names: Mapping[int, str]) -> list[str]:
    order: Callable[[Any], tuple[int, int]] = lambda item: (-item[1], item[0])  # noqa: E731
    return [
        f"{consumers:,} {direction} {segment} ({names.get(segment, 'gone')})"
        for segment, consumers in sorted(moves.items(), key=order)[:3]
    ]


def _part(value: Any) -> float:
    return round(float(value), 6)
