"""Running a job over a range of its partitions in this process, with progress to look at."""

import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock
from rich.console import Console

from retail_assets.automation.abandoned import beating
from retail_assets.automation.jobs import DAILY_JOB, WEEKLY_JOB
from retail_assets.cli.progress import Display, progress
from retail_assets.cli.summary import RunResult, miss
from retail_assets.deployment.history import forget_old_runs
from retail_assets.deployment.home import CODE_LOCATION
from retail_assets.errors import UserError
from retail_assets.failures import root_message
from retail_assets.internals import (
    REPOSITORY_LABEL_TAG,
    ModuleTarget,
    RemoteRepositoryOrigin,
    make_new_run_id,
)
from retail_assets.partitions import days_between, range_tags, weeks_within
from retail_assets.quality.source_contract import CONTRACT_CHECK
from retail_assets.settings import settings
from retail_assets.transformation.assets import STEPS


class _Watcher:
    """Counts a run's events as they are stored, and tells how far it is."""

    def __init__(self, display: Display, result: RunResult, titles: Mapping[dg.AssetCheckKey, str]):
        self._display = display
        self._result = result
        self._titles = titles

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        step = event.step_key or ""
        if event.is_step_materialization:
            self._materialized(
                step, event.asset_key, event.step_materialization_data.materialization.metadata
            )
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._check(event.asset_check_evaluation_data)
            self._display.done(step, event.asset_check_evaluation_data.asset_key.to_user_string())
        elif event.is_step_start:
            self._display.started(step)
        elif event.is_step_failure:
            self._result.failures.append(root_message(event.step_failure_data.error))
            self._display.ended(step, "failed")
        elif event.event_type in _ENDS:
            self._display.ended(step, _ENDS[event.event_type])

    def _materialized(self, step: str, key: dg.AssetKey | None, metadata: Mapping[str, Any]) -> None:
        name = key.to_user_string() if key else ""
        if key is None or name in self._result.assets:
            return
        self._result.assets.add(name)
        self._result.rows.add(key, metadata)
        self._display.done(step, name)

    def _check(self, evaluation: dg.AssetCheckEvaluation) -> None:
        if evaluation.passed:
            self._result.checks["passed"] += 1
            return
        title = self._titles.get(evaluation.asset_check_key) or evaluation.check_name
        missed = miss(evaluation, title)
        self._result.checks[missed.kind] += 1
        # An error of the contract's check is something that was refused: a table, a file, or rows.
        if evaluation.check_name == CONTRACT_CHECK and missed.kind == "failed":
            self._result.rows.refuse(evaluation.asset_key, evaluation.description or "")
        else:
            self._result.missed.append(missed)


_ENDS = {
    dg.DagsterEventType.STEP_SUCCESS: "done",
    dg.DagsterEventType.STEP_SKIPPED: "skipped",
    dg.DagsterEventType.STEP_UP_FOR_RETRY: "is tried again",
}


def run_range(first: date, last: date, selection: str, full_refresh: bool, console: Console) -> RunResult:
    """One run of the daily job from `first` to `last`, both included, recorded in DAGSTER_HOME.

    Raises `UserError`, with what there is, for days that are no partitions or a selection of nothing.
    """
    job, days = _job(DAILY_JOB)
    return _run(job, days_between(days, first, last), selection, full_refresh, console)


def run_weeks(first: date, last: date, selection: str, console: Console) -> RunResult:
    """One run of the weekly job over the weeks that lie whole between `first` and `last`, both included.

    Raises `UserError`, with what there is, if none does or for a selection of nothing.
    """
    job, weeks = _job(WEEKLY_JOB)
    return _run(job, weeks_within(weeks, first, last), selection, False, console)


def _job(name: str) -> tuple[dg.JobDefinition, Sequence[str]]:
    """A job and the keys of its partitions."""
    from retail_assets.definitions import definitions_of

    job = definitions_of(settings()).resolve_job_def(name)
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
    with progress(console, _parts(job)) as display, _instance() as instance:
        run_id = make_new_run_id()
        instance.add_event_listener(run_id, _Watcher(display, result, _titles(job)))
        instance.add_event_listener(run_id, lambda entry: _show_on_timeline(instance, entry))
        with beating(instance, run_id):
            outcome = job.execute_in_process(
                instance=instance,
                run_id=run_id,
                raise_on_error=False,
                run_config=_run_config(full_refresh),
                tags={
                    **range_tags(keys[0], keys[-1]),
                    REPOSITORY_LABEL_TAG: _repository().get_label(),
                },
            )
        forget_old_runs(instance, settings())
    # Whatever else went well: figures lack what was refused.
    result.success = outcome.success and not result.rows.refused
    result.seconds = time.monotonic() - started
    return result


def _parts(job: dg.JobDefinition) -> Mapping[str, int]:
    """How many assets and checks each step of a job makes."""
    layer = job.asset_layer
    chosen: list[dg.AssetKey | dg.AssetCheckKey] = [*layer.selected_asset_keys]
    chosen += layer.asset_graph.asset_check_keys
    return Counter(layer.get_op_output_handle(key).node_handle.name for key in chosen)


def _titles(job: dg.JobDefinition) -> Mapping[dg.AssetCheckKey, str]:
    """What each check asks, in short, where it says so."""
    graph = job.asset_layer.asset_graph
    return {key: graph.get(key).description or "" for key in graph.asset_check_keys}


def _show_on_timeline(instance: dg.DagsterInstance, entry: dg.EventLogEntry) -> None:
    """Say of a run that has just started which deployment's it is: else the timeline leaves it out.

    A run that executes in the process that creates it has no other way to say so.
    """
    if entry.dagster_event_type is not dg.DagsterEventType.RUN_START:
        return
    run = instance.get_run_by_id(entry.run_id)
    assert run
    instance.run_storage.replace_job_origin(run, _repository().get_job_origin(run.job_name))


def _repository() -> RemoteRepositoryOrigin:
    """The deployment as the UI knows it, which loads it by its module's name."""
    target = ModuleTarget(
        module_name=CODE_LOCATION, attribute=None, working_directory=None, location_name=None
    )
    (location,) = target.create_origins()
    # All definitions outside a repository have the same one: no need to make the deployment's for its name.
    return RemoteRepositoryOrigin(location, dg.Definitions().get_repository_def().name)


def _subset(job: dg.JobDefinition, selection: str) -> dg.JobDefinition:
    """The job with what is selected of its assets."""
    graph = job.asset_layer.asset_graph.source_asset_graph
    of_job = job.asset_layer.selected_asset_keys
    groups = sorted({graph.get(key).group_name or "" for key in of_job})
    try:
        with warnings.catch_warnings(category=dg.BetaWarning, action="ignore"):
            spelled = _with_subjects(selection, groups)
            chosen = of_job & dg.AssetSelection.from_string(spelled).resolve(graph, allow_missing=True)
    except (dg.DagsterError, NotImplementedError):
        chosen = set()
    # Dagster takes an empty selection for all of the job.
    if not chosen:
        raise UserError(
            f"'{selection}' selects no asset of the job {job.name}. Write an asset such as"
            f" 'key:{min(of_job).to_user_string()}', or one of:"
            f" {', '.join(f'group:{group}' for group in groups)}."
        )
    return job.get_subset(asset_selection=chosen)


def _with_subjects(selection: str, groups: Sequence[str]) -> str:
    """The selection with a layer's or system's name, `group:raw_erp`, spelled out as its groups."""

    def spelled(found: re.Match[str]) -> str:
        name = found[1]
        within = [name] if name in groups else [each for each in groups if each.startswith(f"{name}_")]
        return f"({' or '.join(f'group:{each}' for each in within)})" if within else found[0]

    return re.sub(r'group:"?(\w+)"?', spelled, selection)


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
