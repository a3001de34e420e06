"""What Dagster's history keeps of old runs: that they were, and which partitions they made.

What a run said is some megabytes, however little it did. It goes after `RETAIL_HISTORY_DAYS`, and earlier
where the logs of all runs take more than half of what the warehouse takes: the index takes the rest.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from retail_assets.deployment.ranges import RangesStoredOnce
from retail_assets.settings import Settings

# Whatever they take, the logs of this many runs are there to be read.
NEWEST = 10
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def forget_old_runs(instance: dg.DagsterInstance, settings: Settings) -> int:
    """Remove the logs of runs that are not to be kept; returns of how many. It costs little if of none."""
    storage = instance.event_log_storage
    if not isinstance(storage, RangesStoredOnce):
        return 0
    forgotten = list(_to_forget(instance, storage, settings))
    if forgotten:
        storage.forget(forgotten)
        for run_id in forgotten:
            shutil.rmtree(Path(instance.root_directory) / "storage" / run_id, ignore_errors=True)
    return len(forgotten)


def _to_forget(instance: dg.DagsterInstance, storage: RangesStoredOnce, settings: Settings) -> Iterator[str]:
    """The runs with logs of their own that are over, too old or too much, newest first."""
    sizes = storage.logs()
    if len(sizes) <= NEWEST:
        return
    oldest = datetime.now(UTC) - timedelta(days=settings.history_days)
    room = settings.duckdb_path.stat().st_size / 2 if settings.duckdb_path.exists() else float("inf")
    taken = 0
    records = instance.get_run_records(dg.RunsFilter(statuses=FINISHED), order_by="update_timestamp")
    there = [record for record in records if record.dagster_run.run_id in sizes]
    for number, record in enumerate(there):
        taken += sizes[record.dagster_run.run_id]
        updated = record.update_timestamp.replace(tzinfo=record.update_timestamp.tzinfo or UTC)
        if number >= NEWEST and (updated < oldest or taken > room):
            yield record.dagster_run.run_id
