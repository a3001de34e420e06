"""How sources write times, and which moments these are."""

import duckdb
import pytest

from retail_assets.ingestion.times import Times

NOON = "2023-08-09 12:00:00"
WRITTEN = {
    "2023-08-09": "2023-08-09 00:00:00",
    "2023-08-09 12:00": NOON,
    "2023-08-09T12:00:00": NOON,
    "2023-08-09 12:00:00.000000": NOON,
    "2023-08-09T12:00:00Z": NOON,
    "2023-08-09 12:00:00 UTC": NOON,
    "2023-08-09 17:30:00+05:30": NOON,
    "2023-08-09 08:00:00-0400": NOON,
    "2023-08-09 14:00:00.0000000 +02:00": NOON,
    "2023-08-09 12:00:00 +0000 UTC": NOON,
    "2023-08-09 14:00:00 Europe/Rome": NOON,
    "2023/08/09 12:00": NOON,
    "09.08.2023 12:00:00": NOON,
    "9.8.2023": "2023-08-09 00:00:00",
    "20230809": "2023-08-09 00:00:00",
    "20230809T120000Z": NOON,
    "202308091200": NOON,
    "1691582400": NOON,
    "1691582400.25": "2023-08-09 12:00:00.25",
    "1691582400125": "2023-08-09 12:00:00.125",
    "1691582400000125": "2023-08-09 12:00:00.000125",
    "1691582400000000000": NOON,
    "2460166.0": NOON,
    "2023-08-09 12:00:00,5": "2023-08-09 12:00:00.5",
    "2023-08-09 12:00:00.123456789": "2023-08-09 12:00:00.123456",
    " 2023-08-09 12:00:00 ": NOON,
    "0001-01-01": "0001-01-01 00:00:00",
    "9999-12-31 23:59:59": "9999-12-31 23:59:59",
    "infinity": "9999-12-31 23:59:59.999999",
    "-infinity": "0001-01-01 00:00:00",
    "0100-02-03 01:00:00+00:53:28": "0100-02-03 00:07:00",
    "0044-03-15 BC": "0001-01-01 00:00:00",
    "12024-01-01": "9999-12-31 23:59:59.999999",
    "0000-01-01": "0001-01-01 00:00:00",
    "0000-06-15 08:30:00": "0001-01-01 00:00:00",
}
# What may be two days, or is none.
NONE = [
    "08/09/2023",
    "2023-02-30",
    "noon",
    "epoch",
    " Epoch",
    "Aug 9 2023",
    "12:30",
    "45147.5",
    "31",
    "2023-08-09 12h",
    "23-08-09",
    "123-08-09 12:00",
    "",
]


def _moments(zone, texts):
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = '{zone}'")
        connection.execute("create table written (place integer, text varchar)")
        connection.executemany("insert into written values (?, ?)", list(enumerate(texts)))
        expression = Times(zone).of_text("text")
        rows = connection.execute(f"select cast({expression} as varchar) from written order by place")
        return [moment for (moment,) in rows.fetchall()]


def test_each_form_is_read():
    assert dict(zip(WRITTEN, _moments("UTC", WRITTEN), strict=True)) == WRITTEN


def test_what_is_not_sure_is_no_time():
    assert _moments("UTC", NONE) == [None] * len(NONE)


@pytest.mark.parametrize(
    ("zone", "text", "moment"),
    [
        ("Asia/Kolkata", "2023-08-09 17:30:00", NOON),
        ("Asia/Kolkata", "2023-08-09 17:30", NOON),
        ("Asia/Kolkata", "20230809173000", NOON),
        ("America/Chicago", "09.08.2023 07:00", NOON),
        ("America/Chicago", "2023-08-09", "2023-08-09 05:00:00"),
        # What names its zone, or is counted since 1970, is in no other.
        ("America/Chicago", "2023-08-09T12:00:00Z", NOON),
        ("America/Chicago", "1691582400", NOON),
        # An hour that comes twice is the later one, one that never comes is as before the clocks went on.
        ("Europe/Paris", "2023-10-29 02:15:00", "2023-10-29 01:15:00"),
        ("Europe/Paris", "2023-03-26 02:15:00", "2023-03-26 01:15:00"),
        ("America/Chicago", "2023-11-05 01:15:00", "2023-11-05 07:15:00"),
        ("Australia/Sydney", "9999-12-31 23:59:59", "9999-12-31 12:59:59"),
        ("Australia/Sydney", "0001-01-01", "0001-01-01 00:00:00"),
    ],
)
def test_a_time_without_a_zone_is_in_the_sources(zone, text, moment):
    assert _moments(zone, [text]) == [moment]


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        ("1691582400", NOON),
        ("1691582400.25::double", "2023-08-09 12:00:00.25"),
        ("20230809", "2023-08-09 00:00:00"),
        ("20230809120000", NOON),
        ("202308091200", NOON),
        ("202399999999", "1976-05-31 14:13:19.999"),
        ("2460166.0::double", NOON),
        ("-1000000000", "1938-04-24 22:13:20"),
        ("0", None),
        ("31", None),
        ("'nan'::double", None),
        ("1e300::double", None),
        ("-9e13::double", "0001-01-01 00:00:00"),
    ],
)
def test_numbers(number, moment):
    with duckdb.connect() as connection:
        value = Times("UTC").of_number("n")
        query = f"select cast({value} as varchar) from (select {number} as n)"
        assert connection.execute(query).fetchall() == [(moment,)]


@pytest.mark.parametrize(
    ("zone", "written", "day"),
    [
        ("Pacific/Auckland", "infinity", "9999-12-31"),
        ("Pacific/Auckland", "10000-01-01", "9999-12-31"),
        ("America/Chicago", "0000-02-29", "0001-01-01"),
        ("America/Chicago", "-infinity", "0001-01-01"),
        ("America/Chicago", "23-08-09", None),
        ("America/Chicago", "2023-08-09 23:59:59", "2023-08-09"),
    ],
)
def test_no_day_is_beyond_the_years_that_are_ours(zone, written, day):
    """Python has no others, and would not format them."""
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = '{zone}'")
        query = f"select cast({Times(zone).day_of_text('written')} as varchar) from (select ? as written)"
        assert connection.execute(query, [written]).fetchall() == [(day,)]
