"""What real databases do, from the source to raw: nothing is lost, nothing is there twice, all is told."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.ingestion import sqlite
from retail_assets.ingestion.databases import file_of
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.sql_source import SqlSource
from retail_assets.quality.source_contract import problems_of
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.tables import at, days, table
from retail_assets_tests.ingestion.test_ingest import Platform, platform

__all__ = ["platform"]

CALLS = table(
    "calls",
    {"call_id": "bigint", "minutes": "bigint", "topic": "varchar", "changed_at": "timestamp"},
    system="crm",
    kind="sql",
    schema="raw_crm",
    modified=("changed_at",),
)
NOTES = table(
    "notes",
    {"note_id": "bigint", "call_id": "bigint", "changed_at": "timestamp"},
    system="crm",
    kind="sql",
    schema="raw_crm",
    modified=("changed_at",),
    parent="calls",
)
# Numbers and others that are stored as text or bytes, and what is nothing.
OTHER_NUMBERS = ["7", "x", b"9", b"\xe9", "", None, "1.0"]
TOPICS = replace(CALLS, name="topics", source_table="topics", load="snapshot")


def source(platform, **tables):
    """What the CRM has from now on: rows of the tables, without types."""
    path = platform.settings.home / "sources" / "crm.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        each.name: ", ".join(column.name for column in each.columns) for each in (CALLS, NOTES, TOPICS)
    }
    with closing(sqlite3.connect(path)) as database, database:
        for name, rows in tables.items():
            database.execute(f"create table if not exists {name} ({columns[name]})")
            database.execute(f"delete from {name}")
            for row in rows:
                database.execute(f"insert into {name} values ({', '.join('?' * len(row))})", row)
    return path


def call(call_id, changed="2024-01-02 10:00:00", minutes=5, topic="price"):
    return (call_id, minutes, topic, changed)


def staged(platform, name="calls", columns="call_id, minutes"):
    """The rows that staging would take."""
    return platform.query(f"""
        select {columns} from (
            select * from raw_crm.{name}
            where _deleted_at is null
            qualify row_number() over (
                partition by {"note_id" if name == "notes" else "call_id"}
                order by _modified_at desc nulls last, _loaded_at desc, _row_hash
            ) = 1
        ) order by all
    """)


def refused(platform):
    """The rows that are refused at present: key and reason."""
    return platform.query(
        "select row_key, reason from raw_crm._refused_rows where _deleted_at is null order by all"
    )


def test_a_late_row_counts_in_the_window_that_finds_it(platform):
    source(platform, calls=[call(1)])
    platform.ingest(days(2), [CALLS])
    source(platform, calls=[call(1), call(2, "2024-01-02 23:59:58"), call(3, "2024-01-03 08:00:00")])
    extraction = platform.ingest(days(3), [CALLS])
    changed = platform.query("select call_id, _changed_at from raw_crm.calls order by all")
    assert changed == [(1, at(2, 10)), (2, at(3)), (3, at(3, 8))]
    assert extraction.missing == {"calls": []}


def test_a_row_that_comes_later_still_is_told_and_comes_with_its_day(platform):
    source(platform, calls=[call(number, f"2024-01-0{number} 10:00:00") for number in range(1, 6)])
    for day in range(1, 6):
        platform.ingest(days(day), [CALLS])
    rows = [call(number, f"2024-01-0{number} 10:00:00") for number in range(1, 7)]
    source(platform, calls=[*rows, call(7, "2024-01-02 11:00:00"), call(8, "2024-01-02 12:00:00")])
    extraction = platform.ingest(days(6), [CALLS])
    (missing,) = extraction.missing["calls"]
    assert (f"{missing.day}", missing.in_source, missing.in_raw) == ("2024-01-02", 3, 1)
    platform.ingest(days(2), [CALLS])
    assert [call_id for call_id, _ in staged(platform)] == list(range(1, 9))
    assert platform.ingest(days(6), [CALLS]).missing == {"calls": []}


def test_days_that_were_never_read_are_not_missing(platform):
    source(platform, calls=[call(1, "2024-01-01 10:00:00"), call(2, "2024-01-05 10:00:00")])
    assert platform.ingest(days(5), [CALLS]).missing == {"calls": []}


def test_refused_rows_are_not_missing(platform):
    source(platform, calls=[call(1), call(2, minutes="long"), call(3), call(3, minutes=6)])
    assert platform.ingest(days(2), [CALLS]).missing == {"calls": []}


@pytest.fixture
def from_the_beginning(platform):
    """The first two days of the year, with which the company begins, are read: a call, and an old one."""
    platform.settings = platform.settings.model_copy(update={"start_date": date(2024, 1, 1)})
    calls = [call(1), call(2, "2023-03-01 10:00:00")]
    source(platform, calls=calls, notes=[(1, 1, "2024-01-02 10:00:00")])
    for day in (1, 2):
        platform.ingest(days(day), [CALLS, NOTES])
    return calls


def _late(extraction):
    assert extraction.errors == {}
    return {name: (each.rows, each.example) for name, each in extraction.late.items()}


@fault(
    Area.INGESTION,
    "A row is entered with a time of change of months ago",
    "The run of the week's end says so, with the days to read again; these bring it.",
)
def test_a_row_with_a_time_of_months_ago_is_told(platform, from_the_beginning):
    calls = [*from_the_beginning, call(3, "2023-05-06 07:00:00"), call(4, "2024-01-05 10:00:00")]
    notes = [(1, 1, "2024-01-02 10:00:00"), (2, 2, "2023-05-06 07:00:00"), (3, 9, "2023-05-06 07:00:00")]
    source(platform, calls=calls, notes=notes)
    assert _late(platform.ingest(days(3), [CALLS, NOTES])) == {}
    extraction = platform.ingest(days(3, 7), [CALLS, NOTES])
    # The note of a call that raw has not comes with its call.
    assert _late(extraction) == {"calls": (1, "call_id=3"), "notes": (1, "note_id=2")}
    told = [each.sentence for each in problems_of(extraction, CALLS)]
    assert len(told) == 1
    assert "on 2023-05-06" in told[0]
    assert told[0].endswith("`retail-assets backfill --from 2024-01-01 --to 2024-01-01`.")
    platform.ingest(days(1), [CALLS, NOTES])
    assert [key for key, _ in staged(platform)] == [1, 2, 3, 4]
    assert _late(platform.ingest(days(3, 7), [CALLS, NOTES])) == {}


def test_what_is_not_late_is_not_told(platform, from_the_beginning):
    """Refused rows, rows that are there twice, and rows of later days."""
    refused_ones = [call(None), call("x"), call(5, "2023-06-01 10:00:00", minutes="many")]
    again = [call(2, "2023-02-01 10:00:00"), call(1)]
    later = [call(number, f"2024-01-{number:02} 10:00:00") for number in range(9, 12)]
    source(platform, calls=[*from_the_beginning, *refused_ones, *again, *later])
    for first, last in ((1, 1), (3, 3), (4, 7)):
        extraction = platform.ingest(days(first, last), [CALLS])
        assert _late(extraction) == {}, first
    assert extraction.missing == {"calls": []}


def test_a_time_that_was_set_back_is_told_at_the_weeks_end(platform, from_the_beginning):
    source(platform, calls=[call(1, "2023-04-01 10:00:00", minutes=8), from_the_beginning[1]])
    assert _late(platform.ingest(days(3), [CALLS])) == {}
    assert _late(platform.ingest(days(4, 7), [CALLS])) == {"calls": (1, "call_id=1")}
    platform.ingest(days(1), [CALLS])
    assert staged(platform) == [(1, 8), (2, 5)]
    assert _late(platform.ingest(days(8, 14), [CALLS])) == {}


def test_a_table_that_is_emptied_keeps_its_rows_and_is_told(platform, from_the_beginning):
    topics = [call(1), call(2)]
    source(platform, topics=topics)
    platform.ingest(days(3), [TOPICS])
    source(platform, calls=[], topics=[])
    extraction = platform.ingest(days(4), [CALLS, TOPICS])
    assert extraction.gone["calls"].is_empty
    assert "has none of its rows any more" in next(problems_of(extraction, CALLS)).sentence
    assert "topics has lost 2 of its 2 rows at once" in extraction.errors["topics"]
    assert len(staged(platform)) == len(staged(platform, "topics")) == 2


@pytest.mark.parametrize("stamp", ["9999-12-31", "2931-07-01 00:00:00", "0001-01-01", None])
@pytest.mark.parametrize("kind", [CALLS, TOPICS])
def test_a_stamp_that_cannot_be_does_not_keep_the_row_as_it_was(platform, stamp, kind):
    """It is loaded with the window that sees it, and what it says is overtaken by what the source says later,
    whatever the time of that."""
    name = kind.name
    for day, row in enumerate(
        [
            call(1),
            call(1, stamp, minutes=6),
            call(1, "2024-01-03 10:00:00", minutes=7),
            call(1, stamp, minutes=6),
        ],
        start=2,
    ):
        source(platform, **{name: [row]})
        extraction = platform.ingest(days(day), [kind])
        assert staged(platform, name) == [row[:2]]
        is_told = row[3] is not None and row[3] != call(1)[3] and row[3] != "2024-01-03 10:00:00"
        assert (name in extraction.unbelievable) == is_told


def test_a_stamp_that_is_set_back_is_what_the_source_says(platform):
    source(platform, calls=[call(1, "2024-01-03 18:00:00", minutes=9)])
    platform.ingest(days(3), [CALLS])
    source(platform, calls=[call(1, "2024-01-03 12:00:00", minutes=8)])
    platform.ingest(days(3), [CALLS])
    assert staged(platform) == [(1, 8)]


def test_the_same_rows_come_out_whatever_the_order_of_the_windows(platform, tmp_path):
    rows = [
        call(1, "2024-01-02 10:00:00"),
        call(2, "2024-01-03T23:30:00-05:00"),
        call(3, 1704362400),
        call(4, "9999-12-31"),
        call(5, "2024-01-04 00:00:00"),
        call(6, "2024-01-04 09:00:00"),
        call(6, "2024-01-04 09:00:00", minutes=7),
        call(7, "2024-01-02 10:00:00"),
        call(7, "2024-01-04 10:00:00", minutes=8),
        call(8, "2024-01-04 10:00:00", minutes="x"),
        call(9, "long ago"),
    ]
    source(platform, calls=rows)
    for day in (4, 2, 5, 3, 2):
        platform.ingest(days(day), [CALLS])
    other = Platform(tmp_path / "other")
    source(other, calls=rows)
    other.ingest(days(2, 5), [CALLS])
    assert staged(platform) == staged(other) == [(n, 5) for n in range(1, 6)] + [(6, 7), (7, 8)]
    assert refused(platform) == refused(other)
    assert {key for key, _ in refused(other)} == {"call_id=6", "call_id=8", "call_id=9"}


def test_of_rows_with_one_key_the_greater_counts_and_the_other_is_refused(platform):
    source(platform, calls=[call(1), call(2, minutes=3), call(2, minutes=70, topic="a"), call(2, minutes=70)])
    for _ in range(2):
        platform.ingest(days(2), [CALLS])
        assert staged(platform, columns="call_id, minutes, topic") == [(1, 5, "price"), (2, 70, "price")]
        assert [key for key, _ in refused(platform)] == ["call_id=2", "call_id=2"]
    changed = platform.query("select count(*) from raw_crm.calls where _changed_at > timestamp '2024-01-02'")
    assert changed == [(4,)]
    # One is corrected at the source.
    source(platform, calls=[call(1), call(2, minutes=3), call(3, minutes=70, topic="a")])
    platform.ingest(days(2), [CALLS])
    assert staged(platform) == [(1, 5), (2, 3), (3, 70)]
    assert refused(platform) == []


def test_rows_that_are_the_same_to_the_last_column_are_one_and_told(platform):
    source(platform, topics=[call(1), call(1), call(1), call(2)])
    for _ in range(2):
        platform.ingest(days(2), [TOPICS])
        assert staged(platform, "topics") == [(1, 5), (2, 5)]
        assert [key for key, _ in refused(platform)] == ["call_id=1", "call_id=1"]


def test_of_rows_with_one_key_the_one_that_changed_last_counts(platform):
    source(platform, topics=[call(1, "2024-01-02 11:00:00", minutes=1), call(1, minutes=9), call(2)])
    extraction = platform.ingest(days(2), [TOPICS])
    assert staged(platform, "topics") == [(1, 1), (2, 5)]
    assert (extraction.repeated["topics"].keys, extraction.repeated["topics"].example) == (1, "call_id=1")


def test_children_come_with_their_parent_and_no_earlier(platform):
    calls = [call(1, "2024-01-02T20:00:00-06:00"), call(2, "2024-01-02 11:00:00")]
    notes = [(1, 1, "2023-12-01 10:00:00"), (2, 2, "2023-12-01 10:00:00"), (3, 1, "2024-01-03 10:00:00")]
    source(platform, calls=calls, notes=notes)
    platform.ingest(days(2), [CALLS, NOTES])
    assert staged(platform, "notes", "note_id") == [(2,)]
    platform.ingest(days(3), [CALLS, NOTES])
    assert staged(platform, "notes", "note_id") == [(1,), (2,), (3,)]
    source(platform, notes=notes[1:])
    platform.ingest(days(3), [CALLS, NOTES])
    assert staged(platform, "notes", "note_id") == [(2,), (3,)]


def test_children_alone_in_a_new_home(platform):
    source(platform, calls=[call(1)], notes=[(1, 1, "2024-01-02 10:00:00")])
    assert platform.ingest(days(2), [CALLS, NOTES], chosen=[NOTES]).errors == {}
    assert staged(platform, "notes", "note_id") == [(1,)]


def test_a_table_that_was_loaded_and_is_gone_is_an_error(platform):
    """A database hides what one may not read: its changes would be missed for good."""
    path = source(platform, calls=[call(1)], notes=[(1, 1, "2024-01-02 10:00:00")], topics=[call(1)])
    tables = [CALLS, NOTES, TOPICS]
    platform.ingest(days(2), tables)
    late = [call(1), call(2, "2024-01-03 10:00:00")]
    source(platform, calls=late, notes=[(2, 2, "2024-01-01 10:00:00")], topics=[call(1), call(2)])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("alter table calls rename to hidden")
    extraction = platform.ingest(days(3), tables)
    assert set(extraction.errors) == {"calls", "notes"}
    assert (
        "calls (calls) is not there any more, or the user of RETAIL_CRM_URL may not read it"
        in (extraction.errors["calls"])
    )
    assert "notes was not loaded, for it is read with calls" in extraction.errors["notes"]
    assert staged(platform, "topics") == [(1, 5), (2, 5)]
    assert staged(platform) == [(1, 5)]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("alter table hidden rename to calls")
    assert platform.ingest(days(4), tables).errors == {}
    assert staged(platform) == [(1, 5), (2, 5)]
    assert staged(platform, "notes", "note_id") == [(1,), (2,)]


def test_a_table_that_was_never_there_is_none_that_was_lost(platform):
    source(platform, topics=[call(1)])
    for day in (2, 3):
        assert platform.ingest(days(day), [CALLS, TOPICS]).errors == {}


@fault(Area.INGESTION, "A text of a database is not UTF-8", "Its row alone is refused.")
@pytest.mark.parametrize("rows", [1, 3 * sqlite.BATCH_ROWS])
@pytest.mark.parametrize("wrong", [b"caf\xe9", b"\xff\xfe"])
def test_text_that_is_not_utf_8_refuses_its_row(platform, rows, wrong):
    path = source(platform, calls=[call(number) for number in range(rows)])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("insert into calls values (?, 5, cast(? as text), '2024-01-02')", (rows, wrong))
        database.execute("insert into calls values (?, 5, 'Jürgen 大', '2024-01-02')", (rows + 1,))
    extraction = platform.ingest(days(2), [CALLS])
    assert extraction.errors == {}
    assert platform.query("select count(*) from raw_crm.calls") == [(rows + 1,)]
    assert refused(platform) == [(f"call_id={rows}", "topic has letters that are not UTF-8")]


@pytest.mark.parametrize("place", [0, 1, sqlite.BATCH_ROWS - 1, sqlite.BATCH_ROWS, 2 * sqlite.BATCH_ROWS + 5])
def test_a_value_of_another_type_refuses_its_row_wherever_it_stands(platform, place):
    rows = [call(number, minutes=number % 9) for number in range(3 * sqlite.BATCH_ROWS)]
    rows[place] = call(place, minutes="ages")
    rows[-1] = call(len(rows) - 1, minutes=2.5)
    rows[-2] = call(len(rows) - 2, minutes="12")
    source(platform, calls=rows)
    platform.ingest(days(2), [CALLS])
    assert [key for key, _ in refused(platform)] == sorted([f"call_id={place}", f"call_id={len(rows) - 1}"])
    ((count, minutes),) = platform.query("select count(*), sum(minutes) from raw_crm.calls")
    others = [row for number, row in enumerate(rows) if number not in (place, len(rows) - 1)]
    assert (count, minutes) == (len(others), sum(int(row[1]) for row in others))


NUMBERS = 40


@fault(
    Area.INGESTION,
    "Values of any kind in columns of numbers",
    "Each is read as it is, or its row is refused.",
    times=NUMBERS,
)
@settings(max_examples=NUMBERS, deadline=None)
@given(
    st.lists(
        st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["7", "x", b"9", b"\xe9", "", None, "1.0"])
    )
)
def test_numbers_are_read_as_they_are_or_refused(tmp_path_factory, values):
    platform = Platform(tmp_path_factory.mktemp("platform"))
    source(platform, calls=[call(number, minutes=value) for number, value in enumerate(values)])
    platform.ingest(days(2), [CALLS])
    whole = {}
    for number, value in enumerate(values):
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        try:
            whole[number] = None if text in ("", None) else int(float(text))
            if whole[number] is not None and whole[number] != float(text):
                del whole[number]
        except ValueError:
            pass
    assert dict(staged(platform)) == whole
    assert {key for key, _ in refused(platform)} == {
        f"call_id={n}" for n in range(len(values)) if n not in whole
    }


@pytest.mark.parametrize("name", ["Shop #2", "50% off", "what?", "a b;c", "ümlaut"])
@pytest.mark.parametrize("is_quoted", [False, True])
def test_any_name_of_a_file_is_opened_and_nothing_is_made_beside_it(tmp_path, name, is_quoted):
    folder = tmp_path / name
    folder.mkdir()
    with closing(sqlite3.connect(folder / "crm.sqlite")) as database, database:
        database.execute("create table Calls (CallID, Minutes, Topic, ChangedAt)")
        database.execute("insert into Calls values (1, 5, 'price', '2024-01-02')")
    path = str(folder / "crm.sqlite")
    if is_quoted:
        for letter in "%#? ":
            path = path.replace(letter, f"%{ord(letter):02X}")
    opened = SqlSource("crm", f"sqlite:///{path}")
    opened.check()
    assert opened.locate(CALLS)
    rows = [row for batch in opened.read(CALLS, days(2), datetime.now(UTC)) for row in batch.to_pylist()]
    assert [row["call_id"] for row in rows] == [1]
    assert sorted(each.name for each in tmp_path.rglob("*")) == sorted([name, "crm.sqlite"])


def test_a_missing_file_is_not_made(tmp_path):
    for name in ("nothing.sqlite", "no #1.sqlite"):
        with pytest.raises(SourceError, match="there is no SQLite file") as raised:
            SqlSource("crm", f"sqlite:///{tmp_path / name}").check()
        assert not isinstance(raised.value, SourceUnreachableError)
    assert list(tmp_path.iterdir()) == []
    assert file_of("sqlite://") is None


@fault(Area.INGESTION, "The source's file is no database", "A sentence, at once.")
def test_what_is_no_database_is_not_tried_again(tmp_path):
    (tmp_path / "crm.sqlite").write_text("call_id,minutes\n1,5\n" * 100)
    with pytest.raises(SourceError, match="refuses \\(file is not a database\\)") as raised:
        SqlSource("crm", f"sqlite:///{tmp_path / 'crm.sqlite'}").check()
    assert not raised.value.may_pass


@fault(
    Area.INGESTION,
    "A program broke off while it wrote to a SQLite database, and its journal is left",
    "The run says what to do, and loads nothing that is half written.",
)
def test_a_journal_that_is_left_is_told(platform, tmp_path):
    path = source(platform, calls=[call(number) for number in range(500)])
    left = tmp_path / "crm.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma cache_size = 1")
        database.execute("begin immediate")
        database.execute("update calls set topic = topic || hex(randomblob(400))")
        shutil.copy(path, left)
        shutil.copy(f"{path}-journal", f"{left}-journal")
        database.rollback()
    with pytest.raises(SourceError, match=r"has a journal beside it .* Open it once with that program"):
        SqlSource("crm", f"sqlite:///{left}").check()


@pytest.mark.parametrize(
    "statement",
    [
        "create table calls (callid, minutes, topic, changedat)",
        'create table CALLS ("CALL_ID", "Minutes", "TOPIC", "Changed At")',
        'create table "Calls" ("callId", "minutes", "topic", "changed-at")',
        "create view calls as select 1 call_id, 5 minutes, 'price' topic, '2024-01-02' changed_at",
    ],
)
def test_tables_and_columns_are_found_however_they_are_written(platform, statement):
    path = source(platform)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
        if "view" not in statement:
            name = "calls" if "calls" in statement else "CALLS"
            database.execute(f"insert into {name} values (1, 5, 'price', '2024-01-02')")
    platform.ingest(days(2), [CALLS])
    assert staged(platform) == [(1, 5)]


@pytest.mark.parametrize(
    "name", ["Crm.Calls", "crm_calls", "calls"], ids=["with a dot", "with its schema before it", "alone"]
)
def test_a_schema_may_be_part_of_a_name(platform, name):
    path = source(platform)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f'create table "{name}" (call_id, minutes, topic, changed_at)')
        database.execute(f"insert into \"{name}\" values (1, 5, 'price', '2024-01-02')")
    platform.ingest(days(2), [replace(CALLS, source_table="Crm.Calls")])
    assert staged(platform) == [(1, 5)]


@pytest.mark.parametrize(
    ("statement", "rivals", "place"),
    [
        (
            'create table calls (call_id, "Min_Utes", "minUtes", topic, changed_at)',
            ("Min_Utes and minUtes", "min_utes"),
            "tables.calls.columns",
        ),
        ('create table calls (call_id, "CallID", topic, minutes, changed_at)', (), ""),
        (
            'create table "Call s" (call_id, minutes, topic, changed_at); create table "CALL_S" (call_id)',
            ("CALL_S and Call s", "calls"),
            "tables.calls.from",
        ),
    ],
    ids=["columns", "the closest spelling counts", "tables"],
)
def test_which_of_two_names_counts_is_not_guessed(platform, statement, rivals, place):
    path = source(platform, notes=[(1, 1, "2024-01-02 10:00:00")])
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statement)
    columns = tuple(
        replace(column, name="min_utes") if column.name == "minutes" and place.endswith("columns") else column
        for column in CALLS.columns
    )
    notes = replace(NOTES, parent=None)
    extraction = platform.ingest(days(2), [replace(CALLS, columns=columns), notes])
    if not rivals:
        assert extraction.errors == {}
        return
    told = extraction.errors.pop("calls")
    assert extraction.errors == {}
    assert f"has {rivals[0]}, and each of them may be {rivals[1]}. Write under {place}" in told
    assert staged(platform, "notes", "note_id") == [(1,)]


def test_a_whole_number_that_sqlite_keeps_as_a_real_one_is_written_as_one(platform):
    path = source(platform, topics=[call(1)])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("alter table topics rename to old")
        database.execute("create table topics (call_id integer, minutes integer, topic real, changed_at)")
        database.executemany(
            "insert into topics values (?, 1, ?, '2024-01-02')", [(1, 31), (2, 41234567), (3, 0.5)]
        )
    platform.ingest(days(2), [TOPICS])
    assert staged(platform, "topics", "topic") == [("0.5",), ("31",), ("41234567",)]


@fault(
    Area.INGESTION,
    "A view of the source computes what it cannot",
    "That table is set aside for days and then made up for; the others load.",
)
def test_a_table_that_cannot_be_read_is_set_aside_and_made_up_for(platform):
    """A view that computes what it cannot."""
    path = source(platform, topics=[call(1)])

    def show(*rows, minutes="minutes"):
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("drop view if exists calls")
            database.execute("drop table if exists base")
            database.execute("create table base (call_id, minutes, topic, changed_at)")
            database.executemany("insert into base values (?, ?, ?, ?)", rows)
            database.execute(f"create view calls as select call_id, {minutes}, topic, changed_at from base")

    show(call(1))
    platform.ingest(days(2), [CALLS, TOPICS])
    late = [call(1), call(2, "2024-01-03 10:00:00", minutes=6)]
    show(*late, minutes="abs(-9223372036854775807 - 1) as minutes")
    source(platform, topics=[call(1), call(2)])
    extraction = platform.ingest(days(3), [CALLS, TOPICS])
    assert list(extraction.errors) == ["calls"]
    assert "calls (calls) could not be read" in extraction.errors["calls"]
    assert "integer overflow" in extraction.errors["calls"]
    assert staged(platform) == [(1, 5)]
    assert staged(platform, "topics") == [(1, 5), (2, 5)]
    for day in (4, 5, 6):
        platform.ingest(days(day), [CALLS, TOPICS])
    show(*late)
    platform.ingest(days(7), [CALLS, TOPICS])
    assert staged(platform) == [(1, 5), (2, 6)]


@fault(
    Area.INGESTION,
    "A table breaks off while it is read",
    "What was loaded of it is taken out; the next run has all of it.",
)
def test_what_was_loaded_of_a_table_that_breaks_off_is_taken_out(platform, monkeypatch):
    source(platform, calls=[call(number) for number in range(4 * sqlite.BATCH_ROWS)], topics=[call(1)])
    monkeypatch.setattr("retail_assets.ingestion.extraction.BATCHES_AHEAD", 2)
    monkeypatch.setattr("retail_assets.ingestion.sql_source.BATCH_ROWS", sqlite.BATCH_ROWS)
    read = SqlSource.read

    def breaking(self, table, window, loaded_at):
        for number, batch in enumerate(read(self, table, window, loaded_at)):
            if table.name == "calls" and number == 3:
                raise SourceError("the disk is gone")
            yield batch

    with monkeypatch.context() as broken:
        broken.setattr(SqlSource, "read", breaking)
        assert platform.ingest(days(2), [CALLS, TOPICS]).errors == {"calls": "the disk is gone"}
    assert platform.query("select count(*) from raw_crm.calls") == [(0,)]
    assert staged(platform, "topics") == [(1, 5)]
    platform.ingest(days(3), [CALLS, TOPICS])
    assert platform.query("select count(*) from raw_crm.calls") == [(4 * sqlite.BATCH_ROWS,)]


def test_absurd_numbers_are_refused_with_their_value(platform):
    wide = replace(
        CALLS,
        columns=tuple(
            replace(column, limits=("0", "1000000")) if column.name == "minutes" else column
            for column in CALLS.columns
        ),
    )
    source(platform, calls=[call(1, minutes=10**15), call(2, minutes=-1), call(3, minutes=10**6), call(4)])
    platform.ingest(days(2), [wide])
    assert staged(platform) == [(3, 10**6), (4, 5)]
    assert refused(platform) == [
        ("call_id=1", "minutes is above the limit of 1000000"),
        ("call_id=2", "minutes is below the limit of 0"),
    ]
