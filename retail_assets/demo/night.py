"""The nights of a demo's home: the nightly run, before which the simulated retailer lives the day.

Before the run and not beside it: with a schedule of its own the retailer could come too late for the run,
when both are made up for after the machine slept. So the schedule that asks for the run lets the day go by
first, which takes seconds. The run is the one of every home.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import dagster as dg

from retail_assets.demo.days import day_after, live_on
from retail_assets.demo.home import demo_of, remember
from retail_assets.errors import UserError
from retail_assets.internals import UnresolvedAssetJobDefinition
from retail_assets.partitions import range_tags
from retail_assets.settings import Settings, load_settings


def with_nights(
    settings: Settings,
    schedules: Sequence[dg.ScheduleDefinition],
    daily: UnresolvedAssetJobDefinition,
) -> Sequence[dg.ScheduleDefinition]:
    """The schedules; in a demo's home with the demo's nights in place of the nightly run."""
    if demo_of(settings) is None:
        return schedules
    return [_nights(settings, daily), *(each for each in schedules if each.name != "nightly")]


def _nights(settings: Settings, daily: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="demo_nightly",
        job=daily,
        cron_schedule="0 2 * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            "Simulates the demo's days up to its yesterday, and materializes their partitions, at 02:00."
        ),
    )
    def demo_nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # As the home says now: `demo next` may have moved the calendar since this process began.
        now = load_settings()
        last = now.day_at(context.scheduled_execution_time) - timedelta(days=1)
        try:
            live_on(last)
        except UserError as error:
            return dg.SkipReason(str(error))
        demo = demo_of(now)
        if demo is None or demo.asked_for > last:
            return dg.SkipReason(f"The demo has come further than {last}.")
        remember(replace(demo, asked_for=last))
        # With the days that were missed while nothing ran; asked again, with the same day.
        first = min(day_after(demo.asked_for), last)
        return dg.RunRequest(tags=range_tags(first.isoformat(), last.isoformat()))

    return demo_nightly
