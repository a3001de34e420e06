"""The record: what was expected of an offer in the last week before it, and what happened."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from retail_assets.prices.catalog import AHEAD, BY_MEAN, CALENDAR, COLUMNS, PLAN, RECORD, table
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday
from retail_assets.resources.weekly_tables import weeks_later

Row = Mapping[str, Any]


def planned_in(first: date) -> str:
    """The Monday of the last week that was over before a day."""
    return weeks_later((first - timedelta(days=first.weekday())).isoformat(), -1)


def records_of(session: Session, week: str, plan: Sequence[Row]) -> list[Row]:
    """The rows of offers that are settled in the week, and of those whose plan is the week's.

    An offer's record is made of its plan and of a later calendar: by whichever comes last, so that weeks
    give the same rows in any order.
    """
    settled = session.read(
        f"select * from {CALENDAR} where week_start = {monday(week)} and settled_date >= {monday(week)}"
        f" and is_settled order by offer_id"
    ).to_pylist()
    rows = list(
        _records(settled, _plans(session, {planned_in(row["valid_from"]) for row in settled} - {week}))
    )
    own = {row["offer_id"]: row for row in plan if row["state"] == AHEAD}
    if own:
        later = session.read(
            f"select * from {CALENDAR} where week_start > {monday(week)}"
            f" and offer_id in ({', '.join(map(str, own))}) and is_settled"
            f" and settled_date >= week_start order by week_start, offer_id"
        ).to_pylist()
        # Whose first day has moved since has another plan.
        own_week = [row for row in later if planned_in(row["valid_from"]) == week]
        rows += _records(own_week, {(week, number): row for number, row in own.items()})
    return rows


def _plans(session: Session, weeks: set[str]) -> Mapping[tuple[str, int], Row]:
    """Of each of these weeks and offers what was planned."""
    if not weeks:
        return {}
    rows = session.read(
        f"select * from {table(PLAN)} where week_start in ({', '.join(map(monday, sorted(weeks)))})"
    ).to_pylist()
    return {(str(row["week_start"]), row["offer_id"]): row for row in rows}


def _records(settled: Sequence[Row], plans: Mapping[tuple[str, int], Row]) -> Iterator[Row]:
    for row in settled:
        week = planned_in(row["valid_from"])
        plan = plans.get((week, row["offer_id"]))
        if plan and plan["quantity"] is not None and row["measured_quantity"] is not None:
            yield _record(row, week, plan)


def _record(row: Row, planned: str, plan: Row) -> Row:
    happened = float(row["measured_quantity"])
    expected, low, high = (float(plan[f"quantity{end}"]) for end in ("", "_low", "_high"))
    mean = None if plan["mean_quantity"] is None else float(plan["mean_quantity"])
    said = f"{expected:,.0f} pieces were expected ({low:,.0f} to {high:,.0f}), {happened:,.0f} were sold. "
    if mean is None:
        nearer, end = None, "No past offers were there to compare with."
    elif plan["method"] == BY_MEAN:
        nearer, end = None, "That was the mean of past offers."
    else:
        nearer = abs(expected - happened) < abs(mean - happened)
        end = f"The mean of past offers said {mean:,.0f}: the plan was {'' if nearer else 'not '}nearer."
    told = {
        "week_start": str(row["week_start"]),
        **{name: row[name] for name in ("offer_id", "offer_name", "sales_channel")},
        "planned_week": planned,
        "method": plan["method"],
        **{f"expected_quantity{end_}": plan[f"quantity{end_}"] for end_ in ("", "_low", "_high")},
        **{f"expected_margin_uplift{end_}": plan[f"margin_uplift{end_}"] for end_ in ("", "_low", "_high")},
        **{f"happened_margin_uplift{end_}": row[f"margin_uplift{end_}"] for end_ in ("", "_low", "_high")},
        "mean_quantity": plan["mean_quantity"],
        "mean_margin_uplift": plan["mean_margin_uplift"],
        "happened_quantity": row["measured_quantity"],
        "is_within": low <= happened <= high,
        "is_nearer": nearer,
        "verdict": said + end,
    }
    return {name: told[name] for name in COLUMNS[RECORD]}
