"""Freshness policies: the deadline of each layer. Raw first, then staging, warehouse and marts; segments on
Mondays.

A policy is a cron deadline with a window: an asset passes if it was materialized after `deadline - window`.
Dagster evaluates the asset, not its newest partition, so a backfill of an old day makes a stale asset look
fresh. `quality/newest_partition.py` checks the newest partition.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

import dagster as dg

from retail_assets.settings import Settings

# The nightly run starts at 02:00 (automation/schedules.py); the layers follow within it.
DAILY_DEADLINES = {
    "raw": "0 4 * * *",
    "staging": "0 5 * * *",
    "warehouse": "30 5 * * *",
    "marts": "0 6 * * *",
}
DAILY_WINDOW = timedelta(hours=4)
# On Mondays, when Sunday's partition is in; cron's day of the week is added (`monday`).
WEEKLY_DEADLINES = {
    "weekly_features": "0 6 * *",
    "weekly_segments": "10 6 * *",
}
WEEKLY_WINDOW = timedelta(hours=6)
# So long after midnight the last of these deadlines is over, and the partition that ended then is due.
DUE_AFTER = timedelta(hours=6, minutes=10)


def freshness_by_name(settings: Settings) -> Mapping[str, dg.FreshnessPolicy]:
    """The policies that `meta.dagster.freshness` in the dbt project may name."""
    return _policies(settings.timezone, monday(settings))


def monday(settings: Settings) -> int:
    """The day of the week by the clock, as cron numbers them, on which it is Monday for the retailer."""
    return (1 + settings.days_behind) % 7


# Dagster looks for the smallest interval of a cron line, at some milliseconds each: once in a process.
@cache
def _policies(timezone: str, monday: int) -> Mapping[str, dg.FreshnessPolicy]:
    deadlines = {
        **{name: (deadline, DAILY_WINDOW) for name, deadline in DAILY_DEADLINES.items()},
        **{name: (f"{deadline} {monday}", WEEKLY_WINDOW) for name, deadline in WEEKLY_DEADLINES.items()},
    }
    return {
        name: dg.FreshnessPolicy.cron(deadline_cron=deadline, lower_bound_delta=window, timezone=timezone)
        for name, (deadline, window) in deadlines.items()
    }
