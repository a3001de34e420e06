"""Parsing times as sources write them, in DuckDB's SQL: to UTC, or to null if a value is not a time.

These forms are read, alone or mixed within one column:

    2024-01-02, 2024-01-02 10:00[:00[.123456]], with a `T` or a space, with `Z`, an offset or a zone's name
    2024/01/02 [10:00[:00]], 02.01.2024 [10:00[:00]]
    20240102, 202401021000, 20240102100000, 20240102T100000[Z]
    numbers: Unix seconds, milliseconds, microseconds, nanoseconds (since 1973, told by their size), and
    Julian days of the years 1800 to 2200

02/01/2024 is the second of January or the first of February, and 24-01-02 may be of any century: both are
refused. A time without a zone is in the session's time zone, which a reading sets to the source's. If the
clocks repeat an hour, it is read as the later one, in standard time. In the hour that the clocks skip, they
count as not having gone forward yet. Times after the year 9999 or before the year 1, and infinite ones,
become the last or first timestamp; so do days.
"""

from dataclasses import dataclass

FIRST, LAST = "timestamp '0001-01-01 00:00:00'", "timestamp '9999-12-31 23:59:59.999999'"
_FIRST_DAY, _LAST_DAY = "date '0001-01-01'", "date '9999-12-31'"

_PLAIN = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\.\d+"
_DOTTED = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
# Dates written in digits.
_WRITTEN = ((18000101, 21991231, "%Y%m%d"), (18000101000000, 21991231235959, "%Y%m%d%H%M%S"))
# Dates and times of day in digits; what is none of these is thousandths of a second in 1975 or 1976.
_MINUTES = (180001010000, 219912312359, "%Y%m%d%H%M")
# Lower bound of a number's size, and how many of its units a microsecond is: 1973 at the earliest.
_UNIX = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (1e8, 1e6))
_JULIAN = (2378497.0, 2524594.0)
_JULIAN_OF_1970 = 2440587.5


@dataclass(frozen=True)
class Times:
    """Expressions for the times of a source. Times without a zone are in this one."""

    zone: str

    def of_text(self, value: str) -> str:
        """The timestamp in UTC of a text."""
        # Nearly all are written so, and for these no zone has to be looked for.
        is_plain = f"""
            not starts_with({value}, '0000') and (
                (length({value}) = 19 and {value}[5] = '-' and {value}[17] = ':')
                or (length({value}) = 10 and {value}[5] = '-')
                or (length({value}) between 21 and 26 and regexp_full_match({value}, '{_PLAIN}'))
            )
        """
        plain = self._local(f"try_cast({value} as timestamp)")
        return f"case when {is_plain} then {plain} else {self._unusual(f'trim({value})')} end"

    def of_number(self, value: str) -> str:
        """The timestamp in UTC of a number: a date written in digits, a Julian day, or a time since 1970."""
        digits = f"cast(try_cast({value} as bigint) as varchar)"
        number = f"cast({value} as double)"
        days = f"({number} - {_JULIAN_OF_1970})"
        unix = "\n".join(
            f"when abs({number}) >= {least} and abs({number}) < 1e19"
            f" then greatest({FIRST}, make_timestamp(cast(round({number} * {unit}) as bigint)))"
            for least, unit in _UNIX
        )
        first_minute, last_minute, minutes = _MINUTES
        minute = f"try_strptime({digits}, '{minutes}')"
        written = "\n".join(
            f"when {number} between {first} and {last} and {number} = round({number}) then "
            + self._local(f"try_strptime({digits}, '{form}')")
            for first, last, form in _WRITTEN
        )
        return f"""case
            when {value} is null or not isfinite({number}) then null
            {written}
            when {number} between {_JULIAN[0]} and {_JULIAN[1]}
                then make_timestamp(cast(round({days} * 86400000) as bigint) * 1000)
            when {number} between {first_minute} and {last_minute} and {minute} is not null
                then {self._local(minute)}
            {unix}
        end"""

    def of_time(self, value: str, *, has_zone: bool) -> str:
        """The timestamp in UTC of a column that has a time type in the source."""
        return f"timezone('UTC', {value})" if has_zone else self._local(f"cast({value} as timestamp)")

    def day_of_text(self, value: str) -> str:
        """The date in a text, as it is written: a date has no zone."""
        return f"""case
            when starts_with({value}, '0000') then {self._day(self.of_text(value))}
            when length({value}) = 10 and {value}[5] = '-' then try_cast({value} as date)
            when regexp_matches({value}, '^\\d{{4}}-\\d{{2}}-\\d{{2}}[T ]')
                then try_cast({value}[1:10] as date)
            else {self._day(self.of_text(value))}
        end"""

    def day_of_number(self, value: str) -> str:
        """The date of a number, in the source's zone."""
        return self._day(self.of_number(value))

    def _local(self, time: str) -> str:
        """A time in the source's zone, in UTC."""
        if self.zone == "UTC":
            return time
        return within_years(f"timezone('UTC', timezone('{self.zone}', {time}))")

    def _day(self, moment: str) -> str:
        return within_days(f"cast(timezone('{self.zone}', timezone('UTC', {moment})) as date)")

    def _unusual(self, text: str) -> str:
        # `10:00:00 +01:00`, `+00:53:28` (of ages ago) and `10:00:00,5`, which DuckDB does not read.
        standard = f"""regexp_replace(regexp_replace({text},
            '\\s*([+-]\\d{{2}}:?\\d{{2}})(:\\d{{2}})?(\\s+[A-Z]{{3,4}})?$', '\\1'),
            '(:\\d{{2}}),(\\d+)', '\\1.\\2')"""
        compact = f"""try_strptime(regexp_replace({text}, 'T|Z$', '', 'g'),
            ['%Y%m%d', '%Y%m%d%H%M%S', '%Y%m%d%H%M'])"""
        return within_years(f"""case
            when regexp_full_match({text}, '(1[89]|2[01])\\d{{6}}(T?\\d{{6}}|T\\d{{4}})?Z?')
                then case when ends_with({text}, 'Z') then {compact} else {self._local(compact)} end
            when regexp_full_match({text}, '-?\\d+(\\.\\d*)?')
                then {self.of_number(f"try_cast({text} as double)")}
            when regexp_full_match({text}, '\\d{{1,2}}\\.\\d{{1,2}}\\.\\d{{4}}( .*)?')
                then {self._local(f"try_strptime({text}, {list(_DOTTED)})")}
            when regexp_matches({text}, '^\\d{{1,3}}-') then null
            when regexp_matches({text}, '^\\d{{5,}}-') then {LAST}
            when ends_with({text}, ' BC') then {FIRST}
            -- A word of DuckDB's, for 1970.
            when lower({text}) = 'epoch' then null
            else timezone('UTC', try_cast({standard} as timestamptz))
        end""")


def within_years(moment: str) -> str:
    """A time in UTC, or the first or last one if it is beyond."""
    return _within(moment, FIRST, LAST)


def within_days(day: str) -> str:
    """A date, or the first or last one if it is beyond."""
    return _within(day, _FIRST_DAY, _LAST_DAY)


def _within(value: str, first: str, last: str) -> str:
    return f"""[
        case when each > {last} then {last} when each < {first} then {first} else each end
        for each in [{value}]
    ][1]"""
