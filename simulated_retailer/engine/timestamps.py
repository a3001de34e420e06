"""Time in the simulation: whole microseconds since 1970 (UTC), as 64-bit integers.

Whole numbers, because times are compared hundreds of millions of times and every platform
agrees on the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from simulated_retailer.engine.arrays import Floats, Ints

SECOND = 1_000_000
DAY = 86_400 * SECOND
NEVER = int(np.iinfo(np.int64).max)
"""A time that never comes. Tables have null instead."""

_EPOCH = date(1970, 1, 1)
_YEARS_OF_HISTORY = 3


def to_microseconds(moment: datetime) -> int:
    """`moment` in microseconds since 1970; UTC if it has no time zone."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def whole_seconds(days: Floats) -> Ints:
    """Durations in days as microseconds, cut to the second as shop systems do."""
    return np.floor(days * 86_400).astype(np.int64) * SECOND


@dataclass(frozen=True)
class Period:
    """The simulated days, `[start, start + days)`."""

    start: date
    days: int

    @property
    def begin(self) -> int:
        """Midnight at the start of the first day."""
        return (self.start - _EPOCH).days * DAY

    @property
    def end(self) -> int:
        """Midnight at the end of the last day."""
        return self.begin + self.days * DAY

    @property
    def founded(self) -> int:
        """When the retailer set up its ERP, long before the first simulated day."""
        return self.begin - _YEARS_OF_HISTORY * 366 * DAY

    def midnight(self, day: Any) -> Any:
        """Midnight at the start of day number `day` (0 is `start`); a number or an array of them."""
        return self.begin + day * DAY

    def day_of(self, moment: Ints) -> Ints:
        """The number of the day that each time is on; negative before the first day."""
        return (moment - self.begin) // DAY

    def weekday(self) -> Ints:
        """Monday = 0 to Sunday = 6, for every simulated day."""
        return (self.start.weekday() + np.arange(self.days)) % 7

    def day_of_year(self) -> Ints:
        """Days since 1 January, for every simulated day; a year counts as 365.25 days."""
        first = self.start.timetuple().tm_yday - 1
        return ((first + np.arange(self.days)) % 365.25).astype(np.int64)
