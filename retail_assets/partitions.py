"""When things happen: the retailer's days and weeks, and the windows in UTC that they stand for."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Any

import dagster as dg

from retail_assets.errors import UserError
from retail_assets.internals import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from retail_assets.settings import Settings
from retail_assets.windows import Window


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition for each of the retailer's days, from the first to the last, both included.

    Partition D means: everything that changed in the sources during D has been applied.
    """
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(),
        end_date=_end(settings),
        timezone=settings.timezone,
        end_offset=-settings.days_behind,
    )


def days_between(keys: Sequence[str], first: date, last: date) -> list[str]:
    """The days from `first` to `last`, both included, of the partitions with these keys.

    Raises `UserError`, with what there is, if they are not all among them.
    """
    if last < first:
        raise UserError(f"{last} lies before {first}: --from is the first day, --to the last.")
    chosen = [key for key in keys if first.isoformat() <= key <= last.isoformat()]
    if not chosen or chosen[0] != first.isoformat() or chosen[-1] != last.isoformat():
        known = f"{keys[0]} to {keys[-1]}" if keys else "no day yet"
        raise UserError(
            f"{first} to {last} is not within the partitions, which are {known}."
            " Set RETAIL_START_DATE and RETAIL_END_DATE."
        )
    return chosen


def weeks_within(keys: Sequence[str], first: date, last: date) -> list[str]:
    """The weeks that lie whole within `first` to `last`, of the partitions with these keys.

    Raises `UserError`, with what there is, if none does.
    """
    latest = (last - timedelta(days=6)).isoformat()
    chosen = [key for key in keys if first.isoformat() <= key <= latest]
    if not chosen:
        known = f"begin on the Mondays {keys[0]} to {keys[-1]}" if keys else "have not begun yet"
        raise UserError(f"No week lies whole within {first} to {last}; the weeks {known}.")
    return chosen


def weekly_partitions(settings: Settings) -> dg.WeeklyPartitionsDefinition:
    """One partition for each week, Monday to Sunday, that lies whole within the retailer's days.

    Partition W means: as of the end of the week that begins on Monday W.
    """
    return dg.WeeklyPartitionsDefinition(
        start_date=settings.start_date.isoformat(),
        end_date=_end(settings),
        timezone=settings.timezone,
        day_offset=1,
        end_offset=-_weeks_behind(settings),
    )


def _end(settings: Settings) -> str | None:
    return (settings.end_date + timedelta(days=1)).isoformat() if settings.end_date else None


def _weeks_behind(settings: Settings) -> int:
    """How many more weeks are over by the clock than by the retailer's calendar.

    Where the calendar is not whole weeks behind, this changes with the day of the week: then a process that
    lives for days sees a new week some days late.
    """
    today = settings.today

    def monday(day: date) -> date:
        return day - timedelta(days=day.weekday())

    return (monday(today + timedelta(days=settings.days_behind)) - monday(today)).days // 7


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags of a run over a range of partitions, both included."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def partitions_by_name(settings: Settings) -> dict[str, dg.PartitionsDefinition]:
    """The definitions that `meta.dagster.partition` in the dbt project may name."""
    return {"daily": daily_partitions(settings), "weekly": weekly_partitions(settings)}


def rebuilding(context: dg.AssetExecutionContext, settings: Settings) -> dict[str, Any]:
    """The newest day, and whether the run rebuilds all days."""
    days = daily_partitions(settings)
    span, newest = context.partition_time_window, days.get_last_partition_window()
    run_config: Any = context.run.run_config
    config = run_config.get("ops", {}).get("transformation", {}).get("config", {})
    is_whole = newest is not None and span.start <= settings.beginning and span.end >= newest.end
    return {
        "last_day": days.get_last_partition_key() or settings.start_date.isoformat(),
        "is_rebuild": is_whole and bool(config.get("full_refresh")),
    }


def window_of(context: dg.AssetExecutionContext) -> Window:
    """The window of the run's partition, or of its range of partitions."""
    span = context.partition_time_window
    return Window(span.start.astimezone(UTC), span.end.astimezone(UTC))
