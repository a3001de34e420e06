"""When jobs run. Schedules run by default: a deployment that is up, works."""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from retail_assets.demand.assets import SERIES_KEY
from retail_assets.freshness import monday
from retail_assets.internals import UnresolvedAssetJobDefinition
from retail_assets.lifetime_value.assets import PURCHASES
from retail_assets.partitions import range_tags, weekly_partitions
from retail_assets.prices.assets import CALENDAR_KEY, ELASTICITY_KEY
from retail_assets.recommendations.assets import MODELS
from retail_assets.segmentation.assets import FEATURES
from retail_assets.settings import Settings


def schedules(
    settings: Settings,
    daily: UnresolvedAssetJobDefinition,
    weekly: UnresolvedAssetJobDefinition | None,
    newest_partition: UnresolvedAssetJobDefinition,
) -> Sequence[dg.ScheduleDefinition]:
    """The nightly run of yesterday's partition, and the look at the newest partition after it.

    The partition is the newest one of the partitions definition, which ends with yesterday.
    """
    nightly = dg.build_schedule_from_partitioned_job(
        daily,
        name="nightly",
        hour_of_day=2,
        minute_of_hour=0,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Materializes yesterday's partition, from raw to marts, at 02:00.",
    )
    morning = dg.ScheduleDefinition(
        name="newest_partition",
        job=newest_partition,
        cron_schedule="15 6 * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Checks at 06:15, after the last deadline, that the newest partition is there.",
    )
    mondays = [_mondays(settings, weekly)] if weekly else []
    return [nightly, *mondays, morning]  # type: ignore[list-item]


def _mondays(settings: Settings, weekly: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """The run of last week's partition, once Sunday's daily partition is in."""

    @dg.schedule(
        name="mondays",
        job=weekly,
        cron_schedule=f"*/10 2-23 * * {monday(settings)}",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            "Materializes last week's segments, values, recommendations, forecasts and prices on Monday,"
            " once Sunday's partition is in."
        ),
    )
    def mondays(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        weeks = weekly_partitions(settings)
        behind = timedelta(days=settings.days_behind)
        newest = weeks.get_prev_partition_window(context.scheduled_execution_time - behind)
        week = f"{newest.start:%Y-%m-%d}" if newest else None
        if week is None or not weeks.has_partition_key(week):
            return dg.SkipReason("Last week is none of the retailer's weeks.")
        sunday = (date.fromisoformat(week) + timedelta(days=6)).isoformat()
        waiting = [
            key.to_user_string()
            for key in _read_by_weeks(context.repository_def)
            if not _is_in(context.instance, key, sunday)
        ]
        if waiting:
            return dg.SkipReason(f"Sunday's partition {sunday} is not in yet: {', '.join(sorted(waiting))}.")
        # The same key again starts no second run.
        if not settings.days_behind:
            return dg.RunRequest(run_key=f"week {week}", partition_key=week)
        # A demo may be started over, and has the week again. This process may not know the week yet
        # (`weekly_partitions`); that of the run does, and nobody checks a range before.
        key = f"week {week} on {context.scheduled_execution_time:%Y-%m-%d}"
        return dg.RunRequest(run_key=key, tags=range_tags(week, week))

    return mondays


def _read_by_weeks(repository: dg.RepositoryDefinition | None) -> set[dg.AssetKey]:
    """The daily tables that weekly ones are made of."""
    if repository is None:
        return set()
    graph = repository.asset_graph
    read = (FEATURES, PURCHASES, SERIES_KEY, ELASTICITY_KEY, CALENDAR_KEY, *MODELS)
    made = [key for key in read if graph.has(key)]
    return {parent for key in made for parent in graph.get(key).parent_keys}


def _is_in(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str) -> bool:
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition])
    return bool(instance.fetch_materializations(wanted, limit=1).records)
