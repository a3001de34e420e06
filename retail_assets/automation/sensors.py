"""The sensor that turns failures and lateness into messages."""

import json
from datetime import UTC, datetime

import dagster as dg

from retail_assets.quality.alerts import alerts_of_run, counted, late_assets
from retail_assets.resources.notifiers import NotificationError, notify
from retail_assets.settings import Settings

# At most this many runs are looked at in one evaluation; the next goes on where this one stopped.
RUNS_AT_ONCE = 50
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def alert_sensor(settings: Settings) -> dg.SensorDefinition:
    """Sends each failed run, failed check and late asset once; what could not be sent is tried again."""

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
        try:
            notify(settings, [*found, *(each for each in late if each.fingerprint not in told)])
        except NotificationError as error:
            return dg.SkipReason(f"{error} It is tried again.")
        until = max((record.update_timestamp for record in records), default=since)
        context.update_cursor(
            json.dumps(
                {
                    "runs_until": until.replace(tzinfo=until.tzinfo or UTC).timestamp(),
                    "late": sorted(each.fingerprint for each in late),
                }
            )
        )
        return dg.SkipReason(f"{len(found)} failures in {len(records)} runs, {len(late)} assets late.")

    return alerts
