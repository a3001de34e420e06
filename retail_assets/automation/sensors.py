"""The sensors: failures and lateness become messages, and old logs go."""

from datetime import UTC, datetime

import dagster as dg

from retail_assets.settings import Settings


def alert_sensor(settings: Settings) -> dg.SensorDefinition:
    """Keeps the inbox, and sends a message when something goes wrong, and one when it is right again."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Failed runs, checks, schedules and sensors, and late assets: into the inbox, and sent.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        # Not at the top: the definitions load often, and need none of it.
        from retail_assets.alerts.tick import watched

        repository = context.repository_def
        graph = repository.asset_graph if repository else None
        return dg.SkipReason(watched(settings, context.instance, graph, datetime.now(UTC).timestamp()))

    return alerts


def history_sensor(settings: Settings) -> dg.SensorDefinition:
    """Keeps Dagster's history small."""

    @dg.sensor(
        name="history",
        minimum_interval_seconds=3600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Removes the logs of runs that are older than RETAIL_HISTORY_DAYS, or take much room.",
    )
    def history(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        # Not at the top: with the event log it imports Dagster's storage, of which the definitions need none.
        from retail_assets.deployment.history import forget_old_runs

        return dg.SkipReason(f"The logs of {forget_old_runs(context.instance, settings)} runs were removed.")

    return history
