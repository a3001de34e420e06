"""Where the time of a daily run goes: `retail-assets backfill` with clocks around its parts."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

from benchmarks.home import LAST_DAY, Home
from benchmarks.measure import python

Clock = dict[str, float]


@dataclass(frozen=True)
class Part:
    """A part of a run. A deeper one is contained in the one above it."""

    name: str
    depth: int
    seconds: float


# In the order of the run. What dbt does goes on beside the writing of events.
_PARTS = (
    ("starting Python, and importing dagster, dagster_dbt and dagster_dlt", 0, "imports"),
    ("the definitions", 0, "definitions"),
    ("resolving the job", 0, "job"),
    ("the steps `raw_*`", 0, "raw"),
    ("dlt's pipeline: extract, normalize, load", 1, "dlt"),
    ("marking deletions", 1, "deletions"),
    ("the step `transformation`", 0, "transformation"),
    ("importing dbt", 1, "dbt_import"),
    ("reading the manifest", 1, "manifest"),
    ("dbt's build", 1, "dbt"),
    ("publishing", 1, "publish"),
    ("storing events, in both steps and around them", 0, "events"),
    ("the whole process", 0, "whole"),
)


def breakdown(home: Home, rounds: int) -> list[Part]:
    """Medians over some daily runs."""
    clocks = [_traced(home) for _ in range(rounds)]
    return [Part(name, depth, median(clock.get(key, 0.0) for clock in clocks)) for name, depth, key in _PARTS]


def _traced(home: Home) -> Clock:
    with home.copied() as copy:
        result = copy.path / "clock.json"
        usage = python("-m", "benchmarks.breakdown", str(result), environment=copy.environment)
        clock: Clock = json.loads(result.read_text())
        # The start of the interpreter, and its end, are outside of what it can clock itself.
        clock["imports"] += usage.seconds - clock["clocked"]
        return clock | {"whole": usage.seconds}


def _clocked(clock: Clock, key: str, owner: Any, name: str) -> None:
    """Let a function's time be added up under a key."""
    original: Callable[..., Any] = getattr(owner, name)

    def timed(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            clock[key] += time.perf_counter() - started

    setattr(owner, name, timed)


def _import(clock: Clock) -> None:
    started = time.perf_counter()
    import dagster_dbt  # noqa: F401
    import dagster_dlt  # noqa: F401

    clock["imports"] = time.perf_counter() - started
    from retail_assets.deployment.home import prepare
    from retail_assets.settings import settings

    prepare(settings())
    started = time.perf_counter()
    import retail_assets.definitions  # noqa: F401

    clock["definitions"] = time.perf_counter() - started


def _put_clocks(clock: Clock) -> None:
    import dagster as dg
    from dlt.pipeline.pipeline import Pipeline

    from retail_assets.catalog.project import Project
    from retail_assets.ingestion import load
    from retail_assets.resources.warehouse import DuckDBWarehouse

    _clocked(clock, "dlt", Pipeline, "run")
    _clocked(clock, "deletions", load, "mark_deletions")
    _clocked(clock, "manifest", Project, "load")
    _clocked(clock, "publish", DuckDBWarehouse, "publish")
    for name in ("store_event", "store_event_batch"):
        _clocked(clock, "events", _event_log(), name)
    _clocked(clock, "job", dg.Definitions, "resolve_job_def")


def _event_log() -> type:
    from retail_assets.deployment.event_log import BatchedSqliteEventLogStorage

    return BatchedSqliteEventLogStorage


def _put_clocks_on_dbt(clock: Clock) -> None:
    """dbt is imported within the run, in its thread; there it gets its clocks."""
    from retail_assets.transformation import runner

    class Importing(Thread):
        def run(self) -> None:
            started = time.perf_counter()
            from dbt.cli.main import dbtRunner

            clock["dbt_import"] += time.perf_counter() - started
            _clocked(clock, "dbt", dbtRunner, "invoke")
            super().run()

    setattr(runner, "Thread", Importing)  # noqa: B010


def _steps(clock: Clock) -> None:
    """The steps' times, from the run's events."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs(limit=1)
        for statistics in instance.get_run_step_stats(run.run_id):
            key = "raw" if statistics.step_key.startswith("raw_") else statistics.step_key
            clock[key] += (statistics.end_time or 0.0) - (statistics.start_time or 0.0)


def _main(result: Path) -> None:
    started = time.perf_counter()
    clock: Clock = defaultdict(float)
    _import(clock)
    from rich.console import Console

    from retail_assets.cli.launch import run_range

    _put_clocks(clock)
    _put_clocks_on_dbt(clock)
    outcome = run_range(LAST_DAY, LAST_DAY, "", False, console=Console(stderr=True))
    if not outcome.success:
        sys.exit("The run failed.")
    _steps(clock)
    clock["clocked"] = time.perf_counter() - started
    result.write_text(json.dumps(clock))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
