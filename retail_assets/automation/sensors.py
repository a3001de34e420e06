"""The sensors: failures and lateness become messages, and old logs go."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import dagster as dg

from retail_assets.deployment.history import forget_old_runs
from retail_assets.quality.alerts import alerts_of_run, counted, late_assets
from retail_assets.resources.notifiers import Alert, NotificationError, post, record
from retail_assets.settings import Settings

# At most this many runs are looked at in one evaluation; the next goes on where this one stopped.
RUNS_AT_ONCE = 50
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def alert_sensor(settings: Settings) -> dg.SensorDefinition:
    """Alerts once on each failed run, failed check and late asset.

    An alert is written to the file at once. If the webhook does not accept it, it stays in the cursor and is
    tried again.
    """

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Failed runs, failed checks and late assets, to the webhook and alerts.jsonl.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = datetime.now(UTC)
        state = json.loads(context.cursor) if context.cursor else {}
        since = datetime.fromtimestamp(state.get("runs_until", now.timestamp()), UTC)
        records = context.instance.get_run_records(
            dg.RunsFilter(statuses=FINISHED, updated_after=since),
            limit=RUNS_AT_ONCE,
            order_by="update_timestamp",
            ascending=True,
        )
        found = counted(alert for record in records for alert in alerts_of_run(context.instance, record))
        repository = context.repository_def
        keys = repository.asset_graph.get_all_asset_keys() if repository else ()
        late = list(late_assets(context.instance, keys, now.timestamp()))
        told = set(state.get("late", ()))
        new = [*found, *(each for each in late if each.fingerprint not in told)]
        record(settings, new)
        waiting = (Alert(**each) for each in state.get("unsent", ()))
        unsent, trouble = _unsent(settings, counted([*waiting, *new]))
        until = max((record.update_timestamp for record in records), default=since)
        context.update_cursor(
            json.dumps(
                {
                    "runs_until": until.timestamp(),
                    "late": sorted(each.fingerprint for each in late),
                    "unsent": [asdict(each) for each in unsent],
                }
            )
        )
        return dg.SkipReason(
            f"{len(found)} failures in {len(records)} runs, {len(late)} assets late.{trouble}"
        )

    return alerts


def _unsent(settings: Settings, alerts: list[Alert]) -> tuple[list[Alert], str]:
    """The alerts that the webhook did not take, and why."""
    try:
        post(settings, alerts)
    except NotificationError as error:
        return alerts, f" {error}. It is tried again."
    return [], ""


def history_sensor(settings: Settings) -> dg.SensorDefinition:
    """Keeps Dagster's history small."""

    @dg.sensor(
        name="history",
        minimum_interval_seconds=3600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Removes the logs of runs that are older than RETAIL_HISTORY_DAYS, or take much room.",
    )
    def history(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(f"The logs of {forget_old_runs(context.instance, settings)} runs were removed.")

    return history
