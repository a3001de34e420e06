"""The scope of a reading: which rows of a database table it reads.

- Rows that changed in the window, or in the overlap of some hours before it, since a transaction may commit
  late. The retailer's first window also has everything before it.
- In every window, rows whose time of change is in no window: it is null, or impossible (the year 1, the year
  9999).

The query to the database selects every row that may be in the scope (`condition`), as far as the database can
compare times in the form in which it stores them. The result is then filtered by the parsed times
(`exact_sql`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from retail_assets.catalog.contract import MODIFIED_AT
from retail_assets.ingestion.sqlite_times import Held
from retail_assets.ingestion.versions import timestamp
from retail_assets.windows import Window

# A closed-open range of time; None: without a beginning, or without an end.
Range: TypeAlias = tuple[datetime | None, datetime | None]
Condition: TypeAlias = sa.ColumnElement[bool]

# Times of change before this, or more than a day in the future, are taken for wrong.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(days=1)

_NUMBER = (sa.Integer, sa.Numeric, sa.Float)
_ISO = "____-__-__%"
# Units per second, and the range of numbers that are read in this unit (times.py).
_SCALES = ((1, 1e8, 1e11), (10**3, 1e11, 1e14), (10**6, 1e14, 1e17), (10**9, 1e17, 1e19))
_WRITTEN = (
    (18000101, 21991231, "%Y%m%d"),
    (180001010000, 219912312359, "%Y%m%d%H%M"),
    (18000101000000, 21991231235959, "%Y%m%d%H%M%S"),
)
_JULIAN, _JULIAN_OF_1970 = (2378497.0, 2524594.0), 2440587.5


@dataclass(frozen=True)
class Scope:
    """The rows of a table to read, by their time of change."""

    ranges: tuple[Range, ...]

    @property
    def begins(self) -> datetime | None:
        """Where the window's own range begins; None if it has everything before it."""
        return self.ranges[0][0]

    def exact_sql(self) -> str:
        """The condition on raw's `_modified_at`."""
        return f"({MODIFIED_AT} is null or {' or '.join(map(_within, self.ranges))})"


def scope_of(
    window: Window, loaded_at: datetime, *, since: datetime | None, also: Iterable[Range] = ()
) -> Scope:
    """The scope of a window that is read at `loaded_at`.

    `since` is where the reading starts: before the window, or None to read from the very beginning. `also`
    are further ranges, such as those that earlier readings missed.
    """
    unbelievable = ((loaded_at + CLOCKS_DIFFER, None), (None, EARLIEST))
    return Scope(((since, window.end), *also, *unbelievable))


def is_believable(moment: str, loaded_at: datetime) -> str:
    """The condition, in SQL, that a time of change is plausible."""
    return f"({moment} >= {timestamp(EARLIEST)} and {moment} < {timestamp(loaded_at + CLOCKS_DIFFER)})"


def condition(
    scope: Scope,
    times: Sequence[sa.ColumnElement[Any]],
    zone: str,
    dialect: str,
    held: Sequence[Held] | None = None,
) -> Condition:
    """A condition that all rows in the scope meet, by the latest of these times; others may meet it too.

    `held`, of SQLite, is what each of the times holds, so that an index serves the condition.
    """
    if held is not None:
        each = [_of_held(scope, time, one) for time, one in zip(times, held, strict=True)]
    else:
        each = [_may_be_in(scope, time, zone, dialect) for time in times]
    return sa.or_(*each, sa.and_(sa.true(), *(time.is_(None) for time in times)))


def is_exact(times: Sequence[sa.ColumnElement[Any]], zone: str, dialect: str) -> bool:
    """Whether no other rows meet `condition`."""
    return len(times) == 1 and dialect != "sqlite" and _is_time(times[0]) and _knows_zone(times[0], zone)


def _within(span: Range) -> str:
    start, end = span
    parts = []
    if start:
        parts.append(f"{MODIFIED_AT} >= {timestamp(start)}")
    if end:
        parts.append(f"{MODIFIED_AT} < {timestamp(end)}")
    return f"({' and '.join(parts) or 'true'})"


def _may_be_in(scope: Scope, time: sa.ColumnElement[Any], zone: str, dialect: str) -> Condition:
    if dialect == "sqlite":
        return _mixed(scope, time)
    if isinstance(time.type, _NUMBER):
        return sa.or_(*_numbers(scope, time))
    if isinstance(time.type, sa.String):
        return sa.or_(*_texts(scope, time), time.not_like(_ISO))
    return sa.or_(*(_times(span, time, zone) for span in scope.ranges))


def _is_time(time: sa.ColumnElement[Any]) -> bool:
    return not isinstance(time.type, (*_NUMBER, sa.String, sa.Date))


def _knows_zone(time: sa.ColumnElement[Any], zone: str) -> bool:
    return zone == "UTC" or bool(getattr(time.type, "timezone", False))


def _times(span: Range, time: sa.ColumnElement[Any], zone: str) -> Condition:
    """Columns of a time type, with a zone, or without one and then in the source's zone.

    In an hour that the clock repeats, a time without a zone may be either: the range is an hour wider at both
    ends.
    """
    if isinstance(time.type, sa.Date):
        return _days(span, time, zone)
    has_zone = bool(getattr(time.type, "timezone", False))
    margin = timedelta() if _knows_zone(time, zone) else timedelta(hours=1)

    def literal(moment: datetime) -> sa.ColumnElement[datetime]:
        if has_zone:
            return sa.literal(moment, sa.DateTime(timezone=True))
        return sa.literal(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None), sa.DateTime())

    start, end = span
    return _between(time, literal(start - margin) if start else None, literal(end + margin) if end else None)


def _days(span: Range, time: sa.ColumnElement[Any], zone: str) -> Condition:
    """Days, which are midnights in the source's zone. Some databases cut off a time that they compare."""
    hour = timedelta(hours=1)
    start, end = (moment and moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in span)
    return _between(
        time,
        sa.literal((start - hour).date(), sa.Date()) if start else None,
        sa.literal((end + hour).date() + timedelta(days=1), sa.Date()) if end else None,
    )


def _texts(scope: Scope, time: sa.ColumnElement[Any]) -> Sequence[Condition]:
    """Texts that begin with a date. Their date in UTC depends on the zone, so the range is wider by a day."""
    day = timedelta(days=1)
    return [
        _between(time, _day(start, -day) if start else None, _day(end, 2 * day) if end else None)
        for start, end in scope.ranges
    ]


def _day(moment: datetime, shift: timedelta) -> sa.ColumnElement[str]:
    return sa.literal(f"{moment + shift:%Y-%m-%d}", sa.String())


def _numbers(scope: Scope, number: sa.ColumnElement[Any]) -> Sequence[Condition]:
    """Numbers: times since 1970 in any unit, dates in digits, Julian days, and any that are none of these."""
    day = timedelta(days=1)
    found: list[Condition] = []
    for start, end in scope.ranges:
        for unit, least, most in _SCALES:
            since = start.timestamp() * unit if start else None
            until = end.timestamp() * unit if end else None
            found += _clipped(number, since, until, least, most)
        for least, most, form in _WRITTEN:
            first = int(f"{start - day:{form}}") if start else None
            last = int(f"{end + day:{form}}") + 1 if end else None
            found += _clipped(number, first, last, least, most + 1)
        first_day = _julian(start) if start else None
        last_day = _julian(end) if end else None
        found += _clipped(number, first_day, last_day, *_JULIAN)
    unknown = [
        number < _JULIAN[0],
        sa.and_(number > _JULIAN[1], number < _WRITTEN[0][0]),
        sa.and_(number > _WRITTEN[0][1], number < _SCALES[0][1]),
        number >= _SCALES[-1][2],
    ]
    return [*found, *unknown]


def _julian(moment: datetime) -> float:
    return moment.timestamp() / 86400 + _JULIAN_OF_1970


def _clipped(
    number: sa.ColumnElement[Any], start: float | None, end: float | None, least: float, most: float
) -> Iterator[Condition]:
    first, last = (least if start is None else max(start, least)), (most if end is None else min(end, most))
    if first < last:
        yield sa.and_(number >= first, number < last)


def _mixed(scope: Scope, time: sa.ColumnElement[Any]) -> Condition:
    """SQLite: each value has a type of its own, and dates are text, or numbers, or numbers as text.

    Each row meets the conditions of its own kind alone: SQLite evaluates them for every row of the table.
    """
    # Adding 0 makes a number of digits, and takes the column's type off a number.
    kind, number = sa.func.typeof(time), sa.type_coerce(time, sa.Float()) + 0
    digits = sa.and_(kind == "text", time.op("not glob")(sa.literal("*[^0-9.]*")))
    return sa.case(
        (sa.and_(kind == "text", _is_iso(time)), sa.or_(*_texts(scope, sa.type_coerce(time, sa.String())))),
        (sa.or_(kind.in_(["integer", "real"]), digits), sa.or_(*_numbers(scope, number))),
        else_=kind.in_(["text", "blob"]),
    )


def _of_held(scope: Scope, time: sa.ColumnElement[Any], held: Held) -> Condition:
    """SQLite, of a column that holds nothing but this, and has an index.

    One query for each range: of ranges joined by `or`, SQLite thinks that reading all rows is cheaper.
    """
    if held is Held.NOTHING or not isinstance(time, sa.Column):
        return sa.false()
    again = time.table.alias("ranges").c[time.key]
    if held is Held.DAYS:
        ranges = _texts(scope, sa.type_coerce(again, sa.String()))
    else:
        ranges = _numbers(scope, sa.type_coerce(again, sa.Float()))
    return time.in_(sa.union_all(*(sa.select(again).where(each) for each in ranges)))


def _is_iso(time: sa.ColumnElement[Any]) -> Condition:
    return sa.type_coerce(time, sa.String()).like(_ISO)


def _between(
    value: sa.ColumnElement[Any], start: sa.ColumnElement[Any] | None, end: sa.ColumnElement[Any] | None
) -> Condition:
    return sa.and_(
        sa.true(), *([] if start is None else [value >= start]), *([] if end is None else [value < end])
    )


def spans(windows: Iterable[Window]) -> Iterator[Range]:
    """Windows as ranges."""
    return ((window.start, window.end) for window in windows)
