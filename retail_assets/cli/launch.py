"""Running a job over a range of its partitions in this process, with progress to look at."""

import os
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from retail_assets.automation.abandoned import held
from retail_assets.automation.jobs import DAILY_JOB, WEEKLY_JOB
from retail_assets.errors import UserError
from retail_assets.internals import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    make_new_run_id,
)
from retail_assets.quality.source_contract import CONTRACT_CHECK
from retail_assets.transformation.assets import STEPS


@dataclass
class RunResult:
    """What a run did, counted from its events."""

    success: bool
    seconds: float
    partitions: int
    assets: set[str] = field(default_factory=set)
    checks: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    has_refused: bool = False  # something of a source, which sums will lack

    def summary(self) -> str:
        """A few lines for people."""
        state = "[green]Done[/green]" if self.success else "[red]Failed[/red]"
        lines = [
            f"{state}: {len(self.assets)} assets, {self.partitions:,} partitions each, "
            f"{self.checks['passed']} checks passed, {self.checks['warned']} warned, "
            f"{self.checks['failed']} failed, {self.seconds:.1f} s."
        ]
        return "\n".join([*lines, *self.failures])


class _Watcher:
    """Counts a run's events as they are stored, and moves a progress bar on."""

    def __init__(self, progress: Progress, result: RunResult, total: int):
        self._progress = progress
        self._result = result
        self._task = progress.add_task("starting", total=total)

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        if event.is_step_materialization:
            name = event.asset_key.to_user_string() if event.asset_key else ""
            if name not in self._result.assets:
                self._result.assets.add(name)
                self._progress.update(self._task, advance=1, description=name)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._check(event.asset_check_evaluation_data)
            self._progress.update(self._task, advance=1)
        elif event.is_step_failure:
            self._result.failures.append(f"[red]{_root(event.step_failure_data.error)}[/red]")

    def _check(self, evaluation: Any) -> None:
        if evaluation.passed:
            self._result.checks["passed"] += 1
            return
        kind = "warned" if evaluation.severity is dg.AssetCheckSeverity.WARN else "failed"
        self._result.checks[kind] += 1
        if kind == "failed" and evaluation.check_name == CONTRACT_CHECK:
            self._result.has_refused = True
        rows = evaluation.metadata.get("dagster_dbt/failed_row_count")
        why = evaluation.description or (f"{rows.value:,} rows" if rows else "")
        style = "yellow" if kind == "warned" else "red"
        name = evaluation.asset_key.to_user_string()
        self._result.failures.append(
            f"[{style}]{kind}[/{style}] {name} {evaluation.check_name}: {escape(why)}"
        )


def _root(error: Any) -> str:
    while error.cause:
        error = error.cause
    return str(error.message).strip().split(": ", 1)[-1]


def run_range(first: date, last: date, selection: str, full_refresh: bool, console: Console) -> RunResult:
    """One run of the daily job from `first` to `last`, both included, recorded in DAGSTER_HOME.

    Raises `UserError`, with what there is, for days that are no partitions or a selection of nothing.
    """
    job, days = _job(DAILY_JOB)
    return _run(job, _days_from(days, first, last), selection, full_refresh, console)


def run_weeks(first: date, last: date, selection: str, console: Console) -> RunResult:
    """One run of the weekly job over the weeks that lie whole between `first` and `last`, both included.

    Raises `UserError`, with what there is, if none does or for a selection of nothing.
    """
    job, weeks = _job(WEEKLY_JOB)
    return _run(job, _weeks_within(weeks, first, last), selection, False, console)


def _job(name: str) -> tuple[dg.JobDefinition, Sequence[str]]:
    """A job and the keys of its partitions."""
    from retail_assets.definitions import defs

    job = defs.resolve_job_def(name)
    assert job.partitions_def
    return job, job.partitions_def.get_partition_keys()


def _run(
    job: dg.JobDefinition, keys: Sequence[str], selection: str, full_refresh: bool, console: Console
) -> RunResult:
    started = time.monotonic()
    if selection:
        job = _subset(job, selection)
    if full_refresh and STEPS["daily"] not in job.graph.node_dict:
        raise UserError(f"--full-refresh rebuilds dbt models, and '{selection}' selects none.")
    result = RunResult(False, 0.0, len(keys))
    layer = job.asset_layer
    total = len(layer.selected_asset_keys) + len(layer.asset_graph.asset_check_keys)
    columns = (
        TextColumn("[progress.description]{task.description:<48}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress, _instance() as instance:
        run_id = make_new_run_id()
        instance.add_event_listener(run_id, _Watcher(progress, result, total))
        with held(instance, run_id):
            outcome = job.execute_in_process(
                instance=instance,
                run_id=run_id,
                raise_on_error=False,
                run_config=_run_config(full_refresh),
                tags={
                    ASSET_PARTITION_RANGE_START_TAG: keys[0],
                    ASSET_PARTITION_RANGE_END_TAG: keys[-1],
                },
            )
    result.success = outcome.success and not result.has_refused
    result.seconds = time.monotonic() - started
    return result


def _subset(job: dg.JobDefinition, selection: str) -> dg.JobDefinition:
    """The job with what is selected of its assets."""
    graph = job.asset_layer.asset_graph.source_asset_graph
    of_job = job.asset_layer.selected_asset_keys
    try:
        with warnings.catch_warnings(category=dg.BetaWarning, action="ignore"):
            chosen = of_job & dg.AssetSelection.from_string(selection).resolve(graph, allow_missing=True)
    except (dg.DagsterError, NotImplementedError):
        chosen = set()
    # Dagster takes an empty selection for all of the job.
    if not chosen:
        groups = sorted({f"group:{graph.get(key).group_name}" for key in of_job})
        raise UserError(
            f"'{selection}' selects no asset of the job {job.name}. Write an asset such as"
            f" 'key:{min(of_job).to_user_string()}', or one of: {', '.join(groups)}."
        )
    return job.get_subset(asset_selection=chosen)


def _instance() -> dg.DagsterInstance:
    # Two processes that start at once would both create the tables of a new one.
    with FileLock(Path(os.environ["DAGSTER_HOME"]) / "instance.lock"):
        return dg.DagsterInstance.get()


def _run_config(full_refresh: bool) -> dict[str, Any]:
    # The progress bar takes the place of the log, which is in the UI.
    config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    if full_refresh:
        config["ops"] = {STEPS["daily"]: {"config": {"full_refresh": True}}}
    return config


def _weeks_within(keys: Sequence[str], first: date, last: date) -> list[str]:
    latest = (last - timedelta(days=6)).isoformat()
    chosen = [key for key in keys if first.isoformat() <= key <= latest]
    if not chosen:
        known = f"begin on the Mondays {keys[0]} to {keys[-1]}" if keys else "have not begun yet"
        raise UserError(f"No week lies whole within {first} to {last}; the weeks {known}.")
    return chosen


def _days_from(keys: Sequence[str], first: date, last: date) -> list[str]:
    chosen = [key for key in keys if first.isoformat() <= key <= last.isoformat()]
    if not chosen or chosen[0] != first.isoformat() or chosen[-1] != last.isoformat():
        known = f"{keys[0]} to {keys[-1]}" if keys else "no day yet"
        raise UserError(
            f"{first} to {last} is not within the partitions, which are {known}."
            " Set RETAIL_START_DATE and RETAIL_END_DATE."
        )
    return chosen
