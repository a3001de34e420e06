"""A window of time, and when a day begins. Apart from partitions.py: ingestion knows no orchestrator."""

from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Window(NamedTuple):
    """A closed-open span of time `[start, end)`, both in UTC."""

    start: datetime
    end: datetime


def midnight(day: date, zone: str) -> datetime:
    """When a day begins in a time zone, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
