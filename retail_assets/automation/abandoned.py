"""Runs whose process is gone: killed, or ended with its machine, it could not say so.

Dagster cannot ask about the process of a run that a command executes itself. So that process holds a lock,
which the system takes from it however it ends. Any other run fails when its time is up (dagster.yaml).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout


@contextmanager
def held(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """A context in which this process executes a run."""
    path = _lock_file(instance, run_id)
    path.parent.mkdir(exist_ok=True)
    with FileLock(path):
        yield
        # It is left behind by whoever does not come so far.
        path.unlink()


def fail_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed that a command left unfinished: nothing else does, and other runs wait for them.

    Returns their ids.
    """
    failed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        path = _lock_file(instance, run.run_id)
        if not path.exists():
            continue
        with suppress(Timeout), FileLock(path).acquire(timeout=0):
            # It may have finished since it was read.
            now = instance.get_run_by_id(run.run_id)
            if now and not now.is_finished:
                instance.report_run_failed(now, "The process that executed the run is gone.")
                failed.append(run.run_id)
            path.unlink(missing_ok=True)
    return failed


def _lock_file(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "executing" / f"{run_id}.lock"
