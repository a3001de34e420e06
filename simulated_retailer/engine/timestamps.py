"""Time in the simulation: whole microseconds since 1970 (UTC), as 64-bit integers.

Whole numbers because a moment is compared with other moments hundreds of millions of times,
and because every platform agrees on them.
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
"""A moment that does not come; null wherever it is written."""

_EPOCH = date(1970, 1, 1)
_YEARS_OF_HISTORY = 3


def to_microseconds(moment: datetime) -> int:
    """`moment` in microseconds since 1970; without a time zone it is taken as UTC."""
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
        """The first moment of the first day."""
        return (self.start - _EPOCH).days * DAY

    @property
    def end(self) -> int:
        """The first moment after the last day."""
        return self.begin + self.days * DAY

    @property
    def founded(self) -> int:
        """When the retailer set up its ERP, long before the first simulated day."""
        return self.begin - _YEARS_OF_HISTORY * 366 * DAY

    def midnight(self, day: Any) -> Any:
        """The first moment of day number `day` (0 is `start`); numbers or arrays of them."""
        return self.begin + day * DAY

    def day_of(self, moment: Ints) -> Ints:
        """The number of the day that each moment falls on, which may be negative."""
        return (moment - self.begin) // DAY

    def weekday(self) -> Ints:
        """Monday = 0 to Sunday = 6, for every simulated day."""
        return (self.start.weekday() + np.arange(self.days)) % 7

    def day_of_year(self) -> Ints:
        """Days since 1 January, for every simulated day; a year counts as 365.25 days."""
        first = self.start.timetuple().tm_yday - 1
        return ((first + np.arange(self.days)) % 365.25).astype(np.int64)
