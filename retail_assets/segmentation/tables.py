"""The tables of segments: their columns, and how a week of them is read and replaced.

A week's rows in all three are replaced in one transaction, so that a week is there whole or as it was before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retail_assets.resources.warehouse import Execute
from retail_assets.segmentation.assignment import assignment_sql
from retail_assets.segmentation.catalog import COLUMNS, MODELS, SEGMENTS, TABLES, monday, table
from retail_assets.segmentation.features import (
    CATEGORIES,
    FEATURES_TABLE,
    HAS_PURCHASED,
    NO_PURCHASE,
    NUMBERS,
)
from retail_assets.segmentation.model import Model

if TYPE_CHECKING:
    import pandas as pd


create = TABLES.create
delete_week, insert_rows = TABLES.delete_week, TABLES.insert_rows


def read_sample(execute: Execute, week: str, size: int, features: str = FEATURES_TABLE) -> "pd.DataFrame":
    """At most `size` consumers who have bought, with their features: the same ones at every time.

    Keys are hashes, so that their order is as good as chance; they are hashed again because whoever comes
    with few systems could else be favoured.
    """
    numbers = [f"cast({each.name} as double)" for each in NUMBERS]
    words = [each.name for each in CATEGORIES]
    rows = execute(
        f"select {', '.join([*numbers, *words])} from {features}"
        f" where week_start = {monday(week)} and {HAS_PURCHASED}"
        f" order by md5('sample:' || consumer_key), consumer_key limit {size}"
    )
    return frame_of(rows)


def frame_of(rows: Sequence[tuple[Any, ...]]) -> "pd.DataFrame":
    """Features as they were read: numbers as doubles, missing ones as NaN; words as objects."""
    import pandas as pd

    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(NUMBERS) + len(CATEGORIES))
    data: dict[str, Any] = {
        each.name: np.array(values, dtype=np.float64) for each, values in zip(NUMBERS, columns, strict=False)
    }
    for each, values in zip(CATEGORIES, columns[len(NUMBERS) :], strict=True):
        data[each.name] = pd.Series(list(values), dtype=object)
    return pd.DataFrame(data)


@dataclass(frozen=True)
class Stored:
    """The model of a week."""

    week: str
    model: Model


def read_previous(execute: Execute, week: str) -> Stored | None:
    """The newest model before this week: last week's, unless that week is missing."""
    return _stored(
        execute(
            f"select week_start, model from {table(MODELS)} where week_start < {monday(week)}"
            " order by week_start desc nulls last limit 1"
        )
    )


def _stored(rows: Sequence[tuple[Any, ...]]) -> Stored | None:
    return Stored(str(rows[0][0]), Model.from_json(rows[0][1])) if rows else None


def read_shared(
    execute: Execute, model: Model, week: str, previous: Stored, features: str = FEATURES_TABLE
) -> tuple[np.ndarray, np.ndarray]:
    """Members of each of the model's clusters by their segment last week, and those who were in none."""
    rows = execute(
        "select now.segment, before.segment, count(*)"
        f" from ({assignment_sql(model, week, features)}) as now"
        f" left join {table(SEGMENTS)} as before on before.consumer_key = now.consumer_key"
        f" and before.week_start = {monday(previous.week)} and before.segment <> {NO_PURCHASE}"
        f" where now.segment <> {NO_PURCHASE} group by now.segment, before.segment"
    )
    known = {segment: position for position, segment in enumerate(previous.model.segments)}
    place = {segment: position for position, segment in enumerate(model.segments)}
    shared = np.zeros((len(place), len(known)), dtype=np.int64)
    newcomers = np.zeros(len(place), dtype=np.int64)
    for now, before, members in rows:
        if before in known:
            shared[place[now], known[before]] += members
        else:
            newcomers[place[now]] += members
    return shared, newcomers


def insert_segments(
    execute: Execute, model: Model, week: str, previous: Stored | None, features: str = FEATURES_TABLE
) -> None:
    """Assign everybody, in the warehouse."""
    before = monday(previous.week) if previous else "null"
    columns = ", ".join(COLUMNS[SEGMENTS])
    execute(
        f"insert into {table(SEGMENTS)} ({columns})"
        f" select {monday(week)}, now.consumer_key, now.segment, now.distance, now.confidence, before.segment"
        f" from ({assignment_sql(model, week, features)}) as now"
        f" left join {table(SEGMENTS)} as before"
        f" on before.consumer_key = now.consumer_key and before.week_start = {before}"
    )
