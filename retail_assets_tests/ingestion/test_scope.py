"""Windows over times in any form: each row comes with the window that its moment lies in, and no other."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retail_assets.ingestion.scope import condition, scope_of
from retail_assets.ingestion.sql_source import SqlSource
from retail_assets.ingestion.sqlite_times import Held, held
from retail_assets.windows import Window
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.tables import table

ZONES = ["UTC", "Europe/Lisbon", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati"]
LOADED_AT = datetime(2025, 1, 1, tzinfo=UTC)
# A night in which clocks are set back in Europe is among the days.
DAYS = [datetime(2023, 10, 27, tzinfo=UTC) + timedelta(days=number) for number in range(6)]
STAMPS = table(
    "stamps",
    {"stamp_id": "bigint", "changed": "timestamp"},
    system="crm",
    kind="sql",
    schema="raw_crm",
    modified=("changed",),
)


def _offset(hours, moment, zone):
    return (
        f"{moment.astimezone(ZoneInfo('UTC')) + timedelta(hours=hours):%Y-%m-%d %H:%M:%S.%f}{hours:+03d}:00"
    )


# How a moment may be written; all of these tell it exactly.
FORMS = {
    "zulu": lambda moment, zone: f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
    "offset": lambda moment, zone: _offset(-7, moment, zone),
    "far offset": lambda moment, zone: _offset(13, moment, zone),
    "seconds": lambda moment, zone: moment.timestamp(),
    "milliseconds": lambda moment, zone: round(moment.timestamp() * 1000),
    "text of seconds": lambda moment, zone: f"{moment.timestamp():.6f}",
    "microseconds": lambda moment, zone: round(moment.timestamp() * 1_000_000),
    "local": lambda moment, zone: f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S.%f}",
    "local with slashes": lambda moment, zone: f"{moment.astimezone(ZoneInfo(zone)):%Y/%m/%d %H:%M:%S}",
    "local with dots": lambda moment, zone: f"{moment.astimezone(ZoneInfo(zone)):%d.%m.%Y %H:%M:%S}",
}


def _write(path, affinity, stamps, index=None):
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"create table stamps (stamp_id integer, changed {affinity})")
        if index:
            database.execute(f"create index by_time on stamps ({index})")
        database.executemany("insert into stamps values (?, ?)", enumerate(stamps))


def _read(path, zone, window, **options):
    source = SqlSource("crm", f"sqlite:///{path}", zone=zone, **options)
    assert source.locate(STAMPS)
    return [row for batch in source.read(STAMPS, window, LOADED_AT) for row in batch.to_pylist()]


def _moment(seconds):
    return DAYS[0] + timedelta(seconds=seconds)


moments = st.integers(0, 5 * 86_400 - 1).map(_moment) | st.sampled_from(
    [
        day + shift
        for day in DAYS[:-1]
        for shift in (timedelta(), timedelta(milliseconds=1), timedelta(hours=1))
    ]
)


EXAMPLES = 60


@fault(
    Area.INGESTION,
    "Random times of change in many spellings and zones, nights of changed clocks among them",
    "Each row comes with exactly one window.",
    times=EXAMPLES,
)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sets(st.sampled_from(sorted(FORMS)), min_size=1).flatmap(
        lambda forms: st.lists(st.tuples(moments, st.sampled_from(sorted(forms))), min_size=1, max_size=25)
    ),
    st.sampled_from(ZONES),
    st.sampled_from(["", "datetime", "text", "numeric", "blob"]),
    st.sampled_from([None, "changed"]),
)
@example([(DAYS[2] + timedelta(minutes=30), "local")], "Europe/Lisbon", "datetime", "changed")
@example([(DAYS[2] + timedelta(minutes=90), "local with dots")], "Europe/Lisbon", "text", None)
@example([(DAYS[1], "seconds"), (DAYS[3], "zulu"), (DAYS[3], "milliseconds")], "UTC", "datetime", "changed")
def test_each_row_comes_with_one_window(tmp_path_factory, rows, zone, affinity, index):
    path = tmp_path_factory.mktemp("stamps") / "crm.sqlite"
    _write(path, affinity, [FORMS[form](moment, zone) for moment, form in rows], index)
    read = [_read(path, zone, Window(*days)) for days in pairwise(DAYS)]
    assert sorted(row["stamp_id"] for window in read for row in window) == list(range(len(rows)))
    for (start, end), window in zip(pairwise(DAYS), read, strict=True):
        for row in window:
            assert row["_refused"] is None
            assert start <= row["_modified_at"].replace(tzinfo=UTC) < end
            assert row["_changed_at"] == row["_modified_at"]
    # A backfill says the same.
    at_once = {row["stamp_id"]: row["_modified_at"] for row in _read(path, zone, Window(DAYS[0], DAYS[-1]))}
    assert at_once == {row["stamp_id"]: row["_modified_at"] for window in read for row in window}


@pytest.mark.parametrize("index", [None, "changed"])
def test_rows_that_no_window_has_come_with_every_one(index, tmp_path):
    stamps = [
        "9999-12-31",
        "0001-01-01 00:00:00",
        None,
        "soon",
        "2023-10-28",
        "1969-12-31T23:59:59Z",
        9e12,
        "",
    ]
    _write(tmp_path / "crm.sqlite", "", stamps, index)
    for window in (Window(DAYS[3], DAYS[4]), Window(DAYS[1], DAYS[2])):
        rows = _read(tmp_path / "crm.sqlite", "UTC", window)
        expected = [0, 1, 2, 3, *([4] if window.start == DAYS[1] else []), 5, 6, 7]
        assert sorted(row["stamp_id"] for row in rows) == expected
        refused = {row["stamp_id"]: row["_refused"]["value"] for row in rows if row["_refused"]}
        assert refused == {3: "soon"}


DAY_TEXTS = ["2023-10-28 05:00:00", "2023-10-28T06:00:00Z", "9999-12-31", "0001-01-01", None]
# The values, the index, and what the column then holds, if that is known.
HOLDINGS = [
    (DAY_TEXTS, "changed", Held.DAYS),
    (DAY_TEXTS, "changed, stamp_id", Held.DAYS),
    ([1_698_474_600, 9e12, 20231028, None], "changed", Held.NUMBERS),
    ([None], "changed", Held.NOTHING),
    (DAY_TEXTS, "stamp_id, changed", None),
    (DAY_TEXTS, "lower(changed)", None),
    (DAY_TEXTS, "changed) where (stamp_id > 1", None),
    (DAY_TEXTS, None, None),
    ([*DAY_TEXTS, 1_698_474_600], "changed", None),
    ([*DAY_TEXTS, "soon"], "changed", None),
    ([*DAY_TEXTS, ""], "changed", None),
    ([*DAY_TEXTS, "2023-10-2"], "changed", None),
    ([*DAY_TEXTS, b"2023-10-28"], "changed", None),
    ([*DAY_TEXTS, "2023/10/28"], "changed", None),
    ([*DAY_TEXTS, "2023-10-28\U0010ffff\U0010ffff"], "changed", None),
    (["1698474600"], "changed", None),
]


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
@pytest.mark.parametrize(("stamps", "index", "expected"), HOLDINGS)
def test_an_index_tells_what_a_column_holds(stamps, index, expected, tmp_path):
    """And then it serves the condition: no row is missed, and not every row is looked at."""
    _write(tmp_path / "crm.sqlite", "", stamps, index)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'crm.sqlite'}")
    changed = sa.Table("stamps", sa.MetaData(), autoload_with=engine).c.changed
    scope = scope_of(Window(DAYS[1], DAYS[2]), LOADED_AT, since=DAYS[1])
    with engine.connect() as connection:
        found = held(connection, [changed])
        assert found == (expected and [expected])
        query = sa.select(sa.text("*")).select_from(changed.table)
        query = query.where(condition(scope, [changed], "UTC", "sqlite", found))
        rows = connection.execute(query).all()
        written = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
        plan = connection.execute(sa.text(f"explain query plan {written}")).all()
    assert sorted(row[0] for row in rows) == list(range(len(stamps)))
    assert any("SCAN" in step.detail for step in plan) == (expected is None)


def test_what_is_older_comes_with_the_first_window(tmp_path):
    stamps = ["2023-10-27 05:00:00", "2023-10-26 23:59:59", "2011-05-31", 1_300_000_000]
    _write(tmp_path / "crm.sqlite", "", stamps)
    first, second = Window(DAYS[0], DAYS[1]), Window(DAYS[1], DAYS[2])

    def read(window):
        rows = _read(tmp_path / "crm.sqlite", "UTC", window, beginning=DAYS[0])
        return {row["stamp_id"]: row["_changed_at"].replace(tzinfo=UTC) for row in rows}

    assert read(first) == {0: DAYS[0] + timedelta(hours=5), 1: DAYS[0], 2: DAYS[0], 3: DAYS[0]}
    assert read(second) == {}


def test_a_window_is_read_from_some_hours_before(tmp_path):
    stamps = ["2023-10-27 17:59:59", "2023-10-27 18:00:00", "2023-10-28 01:00:00"]
    _write(tmp_path / "crm.sqlite", "", stamps)
    window = Window(DAYS[1], DAYS[2])
    rows = _read(tmp_path / "crm.sqlite", "UTC", window, overlap=timedelta(hours=6))
    # The late one counts as changed within the window that found it.
    assert {row["stamp_id"]: row["_changed_at"].replace(tzinfo=UTC) for row in rows} == {
        1: DAYS[1],
        2: DAYS[1] + timedelta(hours=1),
    }
