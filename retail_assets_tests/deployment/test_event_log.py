"""A range of partitions in Dagster's history: stored in batches, and the same as event by event."""

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from dagster._core.utils import make_new_run_id

from retail_assets.deployment import home
from retail_assets.deployment.event_log import OPEN_RUNS
from retail_assets.settings import Settings

DAYS = [f"2024-01-{day:02}" for day in range(1, 11)]
KEYS = [dg.AssetKey("orders"), dg.AssetKey("sales")]


@dg.multi_asset(
    specs=[dg.AssetSpec(key) for key in KEYS],
    check_specs=[dg.AssetCheckSpec("is_right", asset=key) for key in KEYS],
    partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-12"),
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def tables():
    for key in KEYS:
        yield dg.MaterializeResult(asset_key=key, metadata={"rows": 5}, tags={"by": "test"})
        yield dg.AssetCheckResult(check_name="is_right", asset_key=key, passed=key == KEYS[0])


@pytest.fixture(params=["1000", "0"], ids=["in batches", "one by one"])
def history(request, tmp_path, monkeypatch):
    """The history of one run over all days but the last."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_EVENT_LOG_DIR", str(tmp_path / "events"))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", request.param)
    home.prepare(Settings(home=tmp_path))
    with dg.DagsterInstance.get() as instance:
        job = dg.Definitions(assets=[tables], jobs=[dg.define_asset_job("daily")]).resolve_job_def("daily")
        ends = {ASSET_PARTITION_RANGE_START_TAG: DAYS[0], ASSET_PARTITION_RANGE_END_TAG: DAYS[-1]}
        assert job.execute_in_process(instance=instance, tags=ends).success
        yield instance


def test_every_partition_is_there_with_what_was_said_of_it(history):
    (run,) = history.get_runs()
    for key in KEYS:
        assert history.get_materialized_partitions(key) == set(DAYS)
        records = history.fetch_materializations(key, limit=20).records
        assert [record.partition_key for record in records] == DAYS[::-1]
        assert {record.asset_materialization.metadata["rows"].value for record in records} == {5}
        (entry,) = history.get_asset_records([key])
        assert entry.asset_entry.last_run_id == run.run_id
        assert entry.asset_entry.last_materialization_record.storage_id == records[0].storage_id
        assert {tags["by"] for tags in (r.asset_materialization.tags for r in records)} == {"test"}


def test_a_check_is_planned_once_and_then_evaluated(history):
    """Dagster's own storage leaves one planned evaluation per day behind."""
    with history.event_log_storage.index_connection() as connection:
        rows = connection.execute(
            sa.select(AssetCheckExecutionsTable.c.execution_status, AssetCheckExecutionsTable.c.partition)
        ).fetchall()
    assert sorted(map(tuple, rows)) == [("FAILED", None), ("SUCCEEDED", None)]


def test_a_process_that_has_seen_many_runs_keeps_few_of_them_open(history, tmp_path):
    storage = history.event_log_storage
    (first,) = history.get_run_ids()
    logged = len(history.all_logs(first))
    runs = [make_new_run_id() for _ in range(OPEN_RUNS + 2)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(storage.store_event, [_said(run_id) for run_id in runs * 3]))
    assert [len(history.all_logs(run_id)) for run_id in [first, *runs]] == [logged, *(3 for _ in runs)]
    # SQLite removes this file when the last connection is closed.
    open_ = {path.stem for path in (tmp_path / "events").glob("*.db-wal")}
    assert open_ == {"index", *runs[-OPEN_RUNS:]}


def _said(run_id):
    return dg.EventLogEntry(error_info=None, user_message="", level="INFO", run_id=run_id, timestamp=0.0)
