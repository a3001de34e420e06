"""From what Dagster recorded to what somebody should be told."""

from collections.abc import Iterable, Iterator

import dagster as dg

from retail_assets.automation.jobs import NEWEST_PARTITION_JOB
from retail_assets.internals import FreshnessState
from retail_assets.quality.newest_partition import CHECK_NAME
from retail_assets.resources.notifiers import Alert


def alerts_of_run(instance: dg.DagsterInstance, record: dg.RunRecord) -> Iterator[Alert]:
    """A failed run, and each check that failed in a finished run."""
    run, ended = record.dagster_run, record.end_time or 0.0
    if run.status is dg.DagsterRunStatus.FAILURE:
        yield Alert("run failed", run.job_name, f"run {run.run_id}: {_partition(run)}", ended, run.job_name)
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        if entry.dagster_event is None:
            continue
        evaluation = entry.dagster_event.asset_check_evaluation_data
        if evaluation.passed or (
            # A run of old days may fail this check; only the check every morning alerts.
            evaluation.check_name == CHECK_NAME and run.job_name != NEWEST_PARTITION_JOB
        ):
            continue
        subject = f"{evaluation.asset_key.to_user_string()} {evaluation.check_name}"
        text = evaluation.description or f"run {run.run_id}: {_partition(run)}"
        yield Alert(f"check failed ({evaluation.severity.value.lower()})", subject, text, ended, subject)


def late_assets(instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey], now: float) -> Iterator[Alert]:
    """The assets that fail their freshness policy as Dagster judges it."""
    for key, record in instance.get_freshness_state_records(list(keys)).items():
        if record.freshness_state is FreshnessState.FAIL:
            subject = key.to_user_string()
            yield Alert(
                "late", subject, "it missed the deadline of its freshness policy", now, f"late {subject}"
            )


def counted(alerts: Iterable[Alert]) -> list[Alert]:
    """One alert per fingerprint, the newest, with how often it occurred."""
    newest: dict[str, Alert] = {}
    counts: dict[str, int] = {}
    for alert in alerts:
        newest[alert.fingerprint] = alert
        counts[alert.fingerprint] = counts.get(alert.fingerprint, 0) + alert.count
    return [Alert(**{**vars(alert), "count": counts[fingerprint]}) for fingerprint, alert in newest.items()]


def _partition(run: dg.DagsterRun) -> str:
    tags = run.tags
    start, end = (tags.get(f"dagster/asset_partition_range_{side}") for side in ("start", "end"))
    return tags.get("dagster/partition") or (f"{start} to {end}" if start else "no partition")
