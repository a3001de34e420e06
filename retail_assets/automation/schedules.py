"""When jobs run. Schedules run by default: a deployment that is up, works."""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from retail_assets.automation.jobs import DAILY_JOB, WEEKLY_JOB
from retail_assets.demand.assets import SERIES_KEY
from retail_assets.freshness import monday
from retail_assets.internals import UnresolvedAssetJobDefinition
from retail_assets.lifetime_value.assets import PURCHASES
from retail_assets.partitions import daily_partitions, range_tags, weekly_partitions
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
    """The nightly run, the weekly one, and the look at the newest partition after them."""
    morning = dg.ScheduleDefinition(
        name="newest_partition",
        job=newest_partition,
        cron_schedule="15 6 * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Checks at 06:15, after the last deadline, that the newest partition is there.",
    )
    mondays = [_mondays(settings, weekly)] if weekly else []
    return [_nightly(settings, daily), *mondays, morning]


def _nightly(settings: Settings, daily: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """The run of yesterday's partition, and of the days before it that nobody ran: in one run, once.

    After an outage Dagster evaluates only the last tick that was missed: a schedule that is no
    `build_schedule_from_partitioned_job` is not caught up with.
    """

    @dg.schedule(
        name="nightly",
        job=daily,
        cron_schedule="0 2 * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Materializes yesterday's partition, and those that were missed, at 02:00.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        days = daily_partitions(settings).get_partition_keys(context.scheduled_execution_time)
        if not days:
            return dg.SkipReason("None of the retailer's days is over yet.")
        first = _first_missing(context, DAILY_JOB, days)
        # The same key again starts no second run.
        return _request(days[-1], first, days[-1])

    return nightly


def _mondays(settings: Settings, weekly: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """The run of last week's partition, and of the weeks before it that nobody ran, once Sunday's daily
    partition is in. Asked for every ten minutes on Monday; every hour later, if Monday's did not come."""

    @dg.schedule(
        name="mondays",
        job=weekly,
        cron_schedule=[f"*/10 2-23 * * {monday(settings)}", "45 2-23 * * *"],
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
        known = weeks.get_partition_keys(context.scheduled_execution_time)
        first = _first_missing(context, WEEKLY_JOB, [*(each for each in known if each < week), week])
        if not settings.days_behind:
            return _request(f"week {week}", first, week)
        # A demo may be started over, and has the week again. This process may not know the week yet
        # (`weekly_partitions`); that of the run does, and nobody checks a range before.
        key = f"week {week} on {context.scheduled_execution_time:%Y-%m-%d}"
        return dg.RunRequest(run_key=key, tags=range_tags(first, week))

    return mondays


def _request(run_key: str, first: str, last: str) -> dg.RunRequest:
    """The run of these partitions; of one, as Dagster asks for it."""
    if first == last:
        return dg.RunRequest(run_key=run_key, partition_key=last)
    return dg.RunRequest(run_key=run_key, tags=range_tags(first, last))


def _first_missing(context: dg.ScheduleEvaluationContext, job: str, partitions: Sequence[str]) -> str:
    """Of the last partitions that the job has nothing of, the first.

    The last one of all, if the job has nothing of any: its history is for a backfill to make.
    """
    assert context.repository_def
    *earlier, newest = partitions
    made = context.repository_def.get_job(job).asset_layer.executable_asset_keys
    latest = ""
    for key in sorted(made):
        there = context.instance.get_materialized_partitions(key)
        latest = max([latest, *(each for each in there if each < newest)])
        # In most nights the first asset tells it.
        if earlier and latest == earlier[-1]:
            break
    return next((each for each in earlier if each > latest), newest) if latest else newest


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
