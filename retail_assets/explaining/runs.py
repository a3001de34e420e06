"""Which run loaded a row: raw knows when it was read, Dagster's history which run was under way then."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache

import dagster as dg

from retail_assets.internals import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

# How Dagster tags a run of one partition.
PARTITION = "dagster/partition"
# Runs wait for each other, so few are under way at a time.
MOST_RUNS = 20


def run_finder(instance: dg.DagsterInstance) -> Callable[[datetime, date], str | None]:
    """What tells which run loaded something: a time in UTC, and the partition that took it in.

    None if the history does not tell, or tells of several.
    """

    @cache
    def under_way(moment: datetime) -> Sequence[dg.DagsterRun]:
        at = moment.replace(tzinfo=UTC)
        # A run is updated when it ends, so after everything that it loads.
        filters = dg.RunsFilter(created_before=at, updated_after=at)
        records = instance.get_run_records(filters, limit=MOST_RUNS)
        return [
            each.dagster_run
            for each in records
            if each.start_time
            and each.start_time <= at.timestamp()
            and (each.end_time is None or at.timestamp() <= each.end_time)
        ]

    def run_at(moment: datetime, day: date) -> str | None:
        found = [each.run_id for each in under_way(moment) if _has(each, day)]
        return found[0] if len(found) == 1 else None

    return run_at


def _has(run: dg.DagsterRun, day: date) -> bool:
    one = run.tags.get(PARTITION)
    first = run.tags.get(ASSET_PARTITION_RANGE_START_TAG, one)
    last = run.tags.get(ASSET_PARTITION_RANGE_END_TAG, one)
    return bool(first and last and first <= day.isoformat() <= last)
