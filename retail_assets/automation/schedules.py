"""When jobs run. Schedules run by default: a deployment that is up, works."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from retail_assets.settings import Settings


def schedules(
    settings: Settings,
    daily: UnresolvedAssetJobDefinition,
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
    return [nightly, morning]  # type: ignore[list-item]
