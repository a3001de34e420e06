"""Runs whose process is gone: killed, or ended with its machine, it could not say so.

Dagster cannot ask about the process of every run: a command executes its own, and a code server may be gone
with its runs. So each process that executes a run says in Dagster's storage, every ten seconds, that it does
(`beating`). The daemon looks for it (`WatchingRunLauncher`), on whichever machine the process is: what counts
is whether there is something new, never two machines' clocks. A run that never said anything, of other code,
fails when its time is up (dagster.yaml).
"""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from logging import getLogger
from threading import Event, Thread
from typing import Any

import dagster as dg

from retail_assets.internals import CheckRunHealthResult, WorkerStatus

BEAT_SECONDS = 10
# The daemon looks every 15 seconds (dagster.yaml). Several looks, too: when storage answers again after a
# while, the first look may come before the first beat.
SILENT_SECONDS = 45
SILENT_LOOKS = 4


@contextmanager
def beating(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """A context in which this process executes a run, and says so."""
    over = Event()
    process = f"{socket.gethostname()} {os.getpid()}"

    def beat(number: int) -> None:
        instance.run_storage.set_cursor_values({_key(run_id): f"{process} {number}"})

    def go_on() -> None:
        for number in count(1):
            if over.wait(BEAT_SECONDS):
                return
            try:
                beat(number)
            except Exception:
                # Whatever keeps storage from answering: the run's own events fail the run if it lasts.
                getLogger(__name__).warning("A sign of life of run %s could not be stored.", run_id)

    beat(0)
    thread = Thread(target=go_on, name="beating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Beating(dg.Executor):
    """An executor that says that it is executing."""

    def __init__(self, inner: dg.Executor):
        self._inner = inner

    @property
    def retries(self) -> Any:
        return self._inner.retries

    @property
    def step_dependency_config(self) -> Any:
        return self._inner.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        with beating(plan_context.instance, plan_context.run_id):
            yield from self._inner.execute(plan_context, execution_plan)


def _create(context: dg.InitExecutorContext) -> dg.Executor:
    create = dg.in_process_executor.executor_creation_fn
    assert create
    return _Beating(create(context))


_SCHEMA: Any = dg.in_process_executor.config_schema
beating_executor = dg.ExecutorDefinition(
    name="in_process",
    config_schema=_SCHEMA,
    executor_creation_fn=_create,
    description="All steps in the run's process, which says that it is alive.",
)


@dataclass
class _Heard:
    said: str
    since: float
    looks: int = 0


class WatchingRunLauncher(dg.DefaultRunLauncher):
    """Launches runs in the code server, and tells the daemon of each run that began whether it is alive."""

    def __init__(self, inst_data: Any = None):
        super().__init__(inst_data)
        self._heard: dict[str, _Heard] = {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "WatchingRunLauncher":
        return cls(inst_data)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """The daemon asks then."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process has said something new lately, as often as this is asked."""
        key = _key(run.run_id)
        said = self._instance.run_storage.get_cursor_values({key}).get(key)
        if said is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = time.monotonic()
        heard = self._heard.get(run.run_id)
        if heard is None or heard.said != said:
            heard = self._heard[run.run_id] = _Heard(said, now)
        heard.looks += 1
        if heard.looks < SILENT_LOOKS or now - heard.since < SILENT_SECONDS:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        del self._heard[run.run_id]
        host, process, _ = said.rsplit(" ", 2)
        return CheckRunHealthResult(
            WorkerStatus.FAILED, f"The process that executed the run, {process} on {host}, is gone."
        )


def _key(run_id: str) -> str:
    return f"retail_assets/alive/{run_id}"
