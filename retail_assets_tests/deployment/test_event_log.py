"""A range of partitions in Dagster's history: stored in batches, and the same as event by event."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from types import SimpleNamespace
from unittest.mock import Mock

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import StepOutputData
from dagster._core.execution.plan.outputs import StepOutputHandle
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from dagster._core.utils import make_new_run_id

from retail_assets.deployment import home, ranges
from retail_assets.deployment.event_log import OPEN_RUNS
from retail_assets.deployment.history import NEWEST, forget_old_runs
from retail_assets.internals import SqliteEventLogStorage
from retail_assets.settings import Settings, settings
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion import postgres

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


@pytest.fixture(scope="module")
def server():
    with postgres.server("dagster_postgres") as url:
        yield url


@pytest.fixture(params=["SQLite", "SQLite, one by one", "PostgreSQL"])
def history(request, tmp_path, monkeypatch):
    """The history of one run over all days but the last."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_EVENT_LOG_DIR", str(tmp_path / "events"))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "0" if "one by one" in request.param else "1000")
    if "PostgreSQL" in request.param:
        url = postgres.new_database(request.getfixturevalue("server"))
        monkeypatch.setenv("RETAIL_DAGSTER_URL", url)
    settings.cache_clear()
    home.prepare(settings())
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


def test_a_table_is_looked_for_until_it_is_found(history, monkeypatch):
    storage = history.event_log_storage
    assert storage.has_table("asset_keys")
    assert not storage.has_table("not_yet")
    with storage.index_connection() as connection:
        connection.exec_driver_sql("create table not_yet (id integer)")
    assert storage.has_table("not_yet")
    monkeypatch.setattr(type(storage).__bases__[1], "has_table", None)
    assert storage.has_table("asset_keys")
    assert storage.has_table("not_yet")


@pytest.mark.parametrize("history", ["SQLite"], indirect=True)
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


def test_partitions_that_a_run_failed_to_make_are_told(history):
    @dg.asset(
        key=KEYS[0],
        partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-12"),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def orders():
        raise ValueError("no orders")

    job = dg.Definitions(assets=[orders], jobs=[dg.define_asset_job("daily")]).resolve_job_def("daily")
    ends = {ASSET_PARTITION_RANGE_START_TAG: DAYS[3], ASSET_PARTITION_RANGE_END_TAG: DAYS[5]}
    run = job.execute_in_process(instance=history, tags=ends, raise_on_error=False)
    tried = (
        history.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations
    )
    assert {partition: run_id for partition, (run_id, _) in tried(KEYS[0]).items()} == dict.fromkeys(
        DAYS[3:6], run.run_id
    )
    assert not tried(KEYS[1])
    assert history.get_materialized_partitions(KEYS[0]) == set(DAYS)


@pytest.fixture
def many_runs(history, tmp_path):
    """A history of more runs than are kept: the first over all days but the last, the others of the last."""
    job = dg.Definitions(assets=[tables], jobs=[dg.define_asset_job("daily")]).resolve_job_def("daily")
    for _ in range(NEWEST + 1):
        assert job.execute_in_process(instance=history, partition_key="2024-01-11").success
    return Settings(home=tmp_path, history_days=1)


@pytest.mark.parametrize("history", ["SQLite", "PostgreSQL"], indirect=True)
def test_old_runs_are_forgotten_but_not_what_they_made(history, many_runs, monkeypatch):
    settings = many_runs
    assert forget_old_runs(history, settings) == 0
    _, second, *_, first = [run.run_id for run in history.get_runs()]
    later = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr("retail_assets.deployment.history.datetime", SimpleNamespace(now=lambda _: later))
    assert forget_old_runs(history, settings) == 2
    assert forget_old_runs(history, settings) == 0
    files = set(history.event_log_storage.logs())
    assert len(files) == NEWEST
    assert first not in files
    assert second in files
    for key in KEYS:
        assert history.get_materialized_partitions(key) == {*DAYS, "2024-01-11"}
        old = history.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=DAYS[:1]), limit=5)
        assert [record.run_id for record in old.records] == [first]
        check = dg.AssetCheckKey(key, "is_right")
        known = history.event_log_storage.get_asset_check_execution_history(check, limit=50)
        assert len(known) == NEWEST
    assert history.get_run_by_id(first)
    assert history.all_logs(second)


@pytest.mark.parametrize("history", ["SQLite"], indirect=True)
def test_logs_that_take_more_than_the_warehouse_are_forgotten(history, many_runs):
    settings = many_runs.model_copy(update={"history_days": 1000})
    settings.duckdb_path.write_bytes(b"small")
    assert forget_old_runs(history, settings) == 2


def test_a_range_of_partitions_takes_little(tmp_path, monkeypatch):
    """Three years of an asset take hardly more than a day of it."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_EVENT_LOG_DIR", str(tmp_path / "events"))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "10000")
    home.prepare(Settings(home=tmp_path))
    days = dg.DailyPartitionsDefinition("2021-01-01", end_date="2024-01-01")

    @dg.asset(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    def visits():
        return dg.MaterializeResult(metadata={"text": "x" * 1000})

    job = dg.Definitions(assets=[visits], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    keys = days.get_partition_keys()
    ends = {ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[-1]}
    with dg.DagsterInstance.get() as instance:
        assert job.execute_in_process(instance=instance, tags=ends).success
        (run,) = instance.get_runs()
        assert len(instance.all_logs(run.run_id)) < 50
        key = dg.AssetKey("visits")
        storage = instance.event_log_storage
        assert storage.get_asset_partitions_for_run(run.run_id) == {key: {*keys}}
        one = instance.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=["2022-02-02"]), 5)
        assert [record.partition_key for record in one.records] == ["2022-02-02"]
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        ids = storage.get_latest_storage_id_by_partition(key, kind)
        assert len(set(ids.values())) == len(keys)
        assert ids["2022-02-02"] == one.records[0].storage_id
        tags = storage.get_latest_tags_by_partition(key, kind, ["dagster/data_version"], keys[:3])
        assert len(tags) == 3
        assert isinstance(storage, SqliteEventLogStorage)
        with storage.index_connection() as connection:
            ((rows,),) = connection.exec_driver_sql(
                "select count(*) from event_logs where asset_key is not null"
            )
        assert rows == 2
        # Whoever deletes a run has nothing of it left.
        instance.delete_run(run.run_id)
        assert not instance.get_materialized_partitions(key)


def test_partitions_that_differ_in_what_is_said_of_them_have_an_event_each(tmp_path, monkeypatch):
    """So have those whose figures are no JSON, which the views could not read."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    home.prepare(Settings(home=tmp_path))
    days = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-12")
    ranges = dg.BackfillPolicy.single_run()

    @dg.asset(partitions_def=days, backfill_policy=ranges)
    def differing(context) -> None:
        context.add_asset_metadata({"rows": 1}, partition_key=DAYS[3])

    @dg.asset(partitions_def=days, backfill_policy=ranges)
    def endless():
        return dg.MaterializeResult(metadata={"mean": float("inf")})

    assets = [differing, endless]
    job = dg.Definitions(assets=assets, jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    ends = {ASSET_PARTITION_RANGE_START_TAG: DAYS[0], ASSET_PARTITION_RANGE_END_TAG: DAYS[-1]}
    with dg.DagsterInstance.get() as instance:
        assert job.execute_in_process(instance=instance, tags=ends).success
        said = {
            name: {
                record.partition_key: dict(made.metadata)
                for record in instance.fetch_materializations(dg.AssetKey(name), limit=20).records
                if (made := record.asset_materialization)
            }
            for name in ("differing", "endless")
        }
    assert [day for day in DAYS if "rows" in said["differing"][day]] == [DAYS[3]]
    assert {said["endless"][day]["mean"].value for day in DAYS} == {float("inf")}


def _said(run_id):
    return dg.EventLogEntry(error_info=None, user_message="", level="INFO", run_id=run_id, timestamp=0.0)


def _output(run_id, number):
    """An event that says of an output what a step says."""
    key = StepOutputHandle("tables", f"output_{number}")
    said = dg.DagsterEvent(
        dg.DagsterEventType.STEP_OUTPUT.value, "daily", event_specific_data=StepOutputData(key)
    )
    return dg.EventLogEntry(
        error_info=None, level=10, user_message="", run_id=run_id, timestamp=float(number), dagster_event=said
    )


def _wait_for(happened):
    until = monotonic() + 30
    while not happened():
        assert monotonic() < until
        sleep(0.01)


def _from_outside(history, run_id):
    """What another process reads of a run's log."""
    with dg.DagsterInstance.get() as other:
        assert other.event_log_storage is not history.event_log_storage
        return [entry.timestamp for entry in other.all_logs(run_id)]


@pytest.mark.parametrize("history", ["SQLite", "PostgreSQL"], indirect=True)
def test_what_waits_is_stored_soon_and_in_order(history, monkeypatch):
    storage, run_id = history.event_log_storage, make_new_run_id()
    _wait_for(lambda: storage._timer is None)  # that of the fixture's own run
    monkeypatch.setattr(ranges, "SECONDS_WAITING", 3600)
    storage.store_event(_output(run_id, 1))
    assert _from_outside(history, run_id) == []
    assert [entry.timestamp for entry in history.all_logs(run_id)] == [1]  # who asks here waits for nothing
    storage.store_event(_output(run_id, 2))
    storage.store_event(_said(run_id))
    assert _from_outside(history, run_id) == [1, 2, _said(run_id).timestamp]
    # The timer that began with the first is still running; another log begins one of its own.
    monkeypatch.setattr(ranges, "SECONDS_WAITING", 0.01)
    with dg.DagsterInstance.get() as other:
        other.event_log_storage.store_event(_output(run_id, 3))
        _wait_for(lambda: 3.0 in _from_outside(history, run_id))


@fault(
    Area.MACHINE,
    "The disk is full for a moment while events are stored",
    "The run fails with the reason; what is stored next is whole.",
)
@pytest.mark.parametrize("history", ["SQLite"], indirect=True)
def test_an_error_of_what_waited_is_the_next_callers(history, monkeypatch):
    storage, run_id = history.event_log_storage, make_new_run_id()
    monkeypatch.setattr(ranges, "SECONDS_WAITING", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "_keep_said", Mock(side_effect=OSError("disk full")))
        storage.store_event(_output(run_id, 1))
        _wait_for(lambda: storage._not_stored)
    with pytest.raises(OSError, match="disk full"):
        storage.store_event(_said(run_id))
    storage.store_event(_said(run_id))
    assert len(history.all_logs(run_id)) == 1


@pytest.mark.parametrize("days", [3, 150])
@pytest.mark.parametrize("history", ["SQLite", "PostgreSQL"], indirect=True)
def test_what_a_run_made_is_remembered_as_dagster_looks_it_up(history, monkeypatch, days):
    """Data versions, pointers and the checks' targets, of inputs of the same step and of another."""
    partitions = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-12-31")
    once = dg.BackfillPolicy.single_run()

    @dg.asset(partitions_def=partitions, backfill_policy=once, code_version="1")
    def raw() -> None:
        """Made by another step."""

    @dg.multi_asset(
        specs=[
            dg.AssetSpec("first", deps=["raw"], code_version="1"),
            dg.AssetSpec("second", deps=["raw", "first"], code_version="1"),
        ],
        check_specs=[dg.AssetCheckSpec("is_right", asset="first")],
        partitions_def=partitions,
        backfill_policy=once,
        can_subset=True,
    )
    def models():
        yield dg.MaterializeResult(asset_key="first")
        yield dg.AssetCheckResult(check_name="is_right", asset_key="first", passed=True)
        yield dg.MaterializeResult(asset_key="second")

    job = dg.Definitions(assets=[raw, models], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    keys = partitions.get_partition_keys()
    ends = {ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[days - 1]}

    def said():
        assert job.execute_in_process(instance=history, tags=ends).success
        events = {key: history.get_latest_materialization_event(dg.AssetKey(key)) for key in ("raw", "first")}
        second = history.get_latest_materialization_event(dg.AssetKey("second"))
        tags = dict(second.asset_materialization.tags)
        pointers = {key: tags.pop(f"dagster/input_event_pointer/{key}") for key in events}
        newest = {
            key: history.get_asset_records([dg.AssetKey(key)])[0].asset_entry.last_materialization_storage_id
            for key in events
        }
        (check,) = history.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("first"), "is_right"), limit=1
        )
        target = check.event.dagster_event.event_specific_data.target_materialization_data
        assert pointers == {key: str(value) for key, value in newest.items()}
        assert (target.storage_id, target.run_id) == (newest["first"], events["first"].run_id)
        return tags

    asked = Mock(side_effect=dg.DagsterInstance.get_asset_records, autospec=True)
    with monkeypatch.context() as patch:
        patch.setattr(dg.DagsterInstance, "get_asset_records", lambda *arguments: asked(*arguments))
        remembered = said()
    assert asked.call_count == 2  # those of `said`
    monkeypatch.setattr(ranges, "_input_version", lambda *_: None)
    assert remembered == said()
