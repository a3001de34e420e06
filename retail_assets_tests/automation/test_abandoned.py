"""A run whose process was killed becomes a failed run, and somebody is told."""

import logging
import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Event
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from retail_assets.alerts.watch import Watch
from retail_assets.automation import abandoned
from retail_assets.automation.abandoned import SILENT_LOOKS, beating, beating_executor
from retail_assets.deployment import home
from retail_assets.settings import Settings
from retail_assets_tests.faults import Area, fault

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def instance(tmp_path, monkeypatch):
    """Dagster's instance as it is shipped, with less patience."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_EVENT_LOG_DIR", str(tmp_path / "events"))
    monkeypatch.setattr(abandoned, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(abandoned, "SILENT_SECONDS", 3)
    home.prepare(Settings(home=tmp_path))
    with dg.DagsterInstance.get() as instance:
        yield instance


def look(instance):
    """What the daemon does every 15 seconds."""
    workspace: Any = None  # Only a run that is resumed needs one.
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        monitor_started_run(instance, workspace, record, logging.getLogger("monitoring"))


def _looks(instance, seconds, until_failure=False):
    """Look often for a time, or until a run fails, and tell which runs have failed."""
    until = time.monotonic() + seconds
    failed: list[str] = []
    while time.monotonic() < until and not (until_failure and failed):
        look(instance)
        time.sleep(0.1)
        runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        failed = [run.run_id for run in runs]
    return failed


def _started(instance, ago=timedelta()):
    run = create_run_for_test(instance, job_name="daily")
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name="daily")
    instance.run_storage.handle_run_event(run.run_id, event, datetime.now(UTC) - ago)
    return run.run_id


def _told(instance, run_id):
    """What is said of a run, if it has failed."""
    look, _ = Watch(instance, None, "http://ui").look({"runs_until": 0.0}, 0.0)
    (incident,) = [each for each in look.found.values() if each.link.endswith(run_id)]
    assert incident.fingerprint == "run daily"
    return incident.text


def _execute(instance, run_id, executing):
    with beating(instance, run_id):
        executing.set()
        time.sleep(60)


@fault(
    Area.BUILDING,
    "A run's process is killed (SIGKILL)",
    "The daemon notices, and the run fails instead of keeping others waiting.",
)
def test_a_run_whose_process_was_killed_fails_soon(instance):
    run_id, of_other_code = _started(instance), _started(instance)
    executing = FORK.Event()
    process = FORK.Process(target=_execute, args=(instance, run_id, executing))
    process.start()
    assert executing.wait(60)
    assert _looks(instance, 5) == []
    process.kill()
    process.join()
    assert _looks(instance, 60, until_failure=True) == [run_id]
    assert "gone" in _told(instance, run_id)
    assert instance.get_run_by_id(of_other_code).status is dg.DagsterRunStatus.STARTED


@fault(Area.MACHINE, "Dagster's storage does not answer for a while", "No run fails for it.")
def test_storage_that_did_not_answer_for_a_while_fails_no_run(instance, monkeypatch):
    """The first look after that may come before the first sign of life."""
    # One sign of life: another one after the look would begin the count again.
    monkeypatch.setattr(abandoned, "BEAT_SECONDS", 3600)
    run_id = _started(instance)
    with beating(instance, run_id):
        look(instance)
    monkeypatch.setattr(abandoned, "SILENT_SECONDS", 0)
    for _ in range(SILENT_LOOKS - 2):
        look(instance)
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.STARTED
    look(instance)
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.FAILURE


@fault(Area.MACHINE, "A run's sign of life cannot be stored", "The run goes on.")
def test_a_sign_of_life_that_cannot_be_stored_does_not_end_the_run(instance, monkeypatch):
    said = []
    goes_on = Event()

    def broken(pairs):
        said.append(pairs)
        if len(said) == 2:
            raise OSError("no connection")
        if len(said) > 2:
            goes_on.set()

    monkeypatch.setattr(instance.run_storage, "set_cursor_values", broken)
    with beating(instance, "a"):
        assert goes_on.wait(60)


@dg.op
def look_meanwhile(context):
    until = time.monotonic() + 60
    while len({str(each) for each in heard}) < 2 and time.monotonic() < until:
        heard.append(
            context.instance.run_storage.get_cursor_values({f"retail_assets/alive/{context.run_id}"})
        )
        time.sleep(0.1)


heard: list[Any] = []


@dg.job(executor_def=beating_executor)
def watched():
    look_meanwhile()


def test_a_launched_run_says_that_it_is_alive(instance):
    assert dg.execute_job(dg.reconstructable(watched), instance).success
    assert all(heard)
    assert len({str(each) for each in heard}) > 1


@fault(Area.BUILDING, "A run does not end", "It fails when its time is up.")
def test_what_does_not_end_fails_when_its_time_is_up(instance):
    runs = {hours: _started(instance, timedelta(hours=hours)) for hours in (5, 7)}
    look(instance)
    assert instance.get_run_by_id(runs[5]).status is dg.DagsterRunStatus.STARTED
    assert "forcibly marked as failed" in _told(instance, runs[7])


def test_a_home_gets_the_file_that_is_shipped_but_keeps_a_users(instance, tmp_path, monkeypatch):
    file = tmp_path / "dagster.yaml"
    shipped = file.read_text()
    assert "WatchingRunLauncher" in shipped
    file.write_text("# mine")
    home.prepare(Settings(home=tmp_path))
    assert file.read_text() == "# mine"
    monkeypatch.setattr(home, "_SHIPPED_BEFORE", {sha256(b"# mine").hexdigest()})
    home.prepare(Settings(home=tmp_path))
    assert file.read_text() == shipped
