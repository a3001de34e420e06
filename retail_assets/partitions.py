"""When things happen: the retailer's days, and the windows in UTC that they stand for."""

from datetime import UTC, timedelta

import dagster as dg

from retail_assets.settings import Settings
from retail_assets.windows import Window


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition for each of the retailer's days, from the first to the last, both included.

    Partition D means: everything that changed in the sources during D has been applied.
    """
    end = settings.end_date + timedelta(days=1) if settings.end_date else None
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(),
        end_date=end.isoformat() if end else None,
        timezone=settings.timezone,
    )


def partitions_by_name(settings: Settings) -> dict[str, dg.PartitionsDefinition]:
    """The definitions that `meta.dagster.partition` in the dbt project may name."""
    return {"daily": daily_partitions(settings)}


def window_of(context: dg.AssetExecutionContext) -> Window:
    """The window of the run's partition, or of its range of partitions."""
    span = context.partition_time_window
    return Window(span.start.astimezone(UTC), span.end.astimezone(UTC))
