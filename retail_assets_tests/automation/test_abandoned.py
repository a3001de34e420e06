"""A run whose process was killed becomes a failed run, and somebody is told."""

import logging
import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from retail_assets.alerts.watch import Watch
from retail_assets.automation.abandoned import fail_abandoned, held
from retail_assets.deployment import home
from retail_assets.settings import Settings

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def instance(tmp_path, monkeypatch):
    """Dagster's instance as it is shipped."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_EVENT_LOG_DIR", str(tmp_path / "events"))
    home.prepare(Settings(home=tmp_path))
    with dg.DagsterInstance.get() as instance:
        yield instance


def _started(instance, ago=timedelta()):
    run = create_run_for_test(instance, job_name="daily")
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name="daily")
    instance.run_storage.handle_run_event(run.run_id, event, datetime.now(UTC) - ago)
    return run.run_id


def _told(instance, run_id):
    """What is said of a run, if it has failed."""
    look, _ = Watch(instance, None, {}, "http://ui").look({"runs_until": 0.0}, 0.0)
    (incident,) = [each for each in look.found.values() if each.link.endswith(run_id)]
    assert incident.fingerprint == "run daily"
    return incident.text


def _execute(instance, run_id, executing):
    with held(instance, run_id):
        executing.set()
        time.sleep(60)


def test_the_run_of_a_command_that_was_killed_fails_at_once(instance):
    run_id, of_the_ui = _started(instance), _started(instance)
    executing = FORK.Event()
    process = FORK.Process(target=_execute, args=(instance, run_id, executing))
    process.start()
    assert executing.wait(60)
    assert fail_abandoned(instance) == []
    process.kill()
    process.join()
    assert fail_abandoned(instance) == [run_id]
    assert _told(instance, run_id) == "The process that executed the run is gone."
    assert fail_abandoned(instance) == []
    assert instance.get_run_by_id(of_the_ui).status is dg.DagsterRunStatus.STARTED


def test_any_other_run_fails_when_its_time_is_up(instance):
    runs = {hours: _started(instance, timedelta(hours=hours)) for hours in (5, 7)}
    workspace: Any = None  # Only a run that is resumed needs one.
    for run_id in runs.values():
        record = instance.get_run_record_by_id(run_id)
        monitor_started_run(instance, workspace, record, logging.getLogger("monitoring"))
    assert instance.get_run_by_id(runs[5]).status is dg.DagsterRunStatus.STARTED
    assert "forcibly marked as failed" in _told(instance, runs[7])
