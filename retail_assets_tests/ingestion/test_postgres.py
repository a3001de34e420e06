"""A real PostgreSQL through SQLAlchemy: schemas, zones, exact amounts, types that are not the contract's."""

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_assets.ingestion import databases, postgresql
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.sql_source import SqlSource
from retail_assets.windows import Window
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion import postgres
from retail_assets_tests.ingestion.tables import at, days, table

LOADED_AT = datetime(2024, 5, 1, tzinfo=UTC)
KINDS = table(
    "kinds",
    {
        "kind_id": "bigint",
        "amount": "decimal(19,4)",
        "line_total": "decimal(38,6)",
        "ratio": "decimal(10,4)",
        "is_good": "boolean",
        "is_old": "boolean",
        "note": "varchar",
        "code": "varchar",
        "number": "varchar",
        "day": "date",
        "day_of_time": "date",
        "time_of_day": "timestamp",
        "local_time": "timestamp",
        "modified_at": "timestamp",
    },
    kind="sql",
    source_table="Sales.Kinds",
    modified=("modified_at",),
)
ORDERS = table(
    "orders",
    {"order_id": "bigint", "modified_at": "timestamp"},
    kind="sql",
    source_table="Sales.Order",
    modified=("modified_at",),
)
LINES = table(
    "lines",
    {"line_id": "bigint", "order_id": "bigint", "modified_at": "timestamp"},
    kind="sql",
    source_table="Sales.Line",
    modified=("modified_at",),
    parent="orders",
)


@pytest.fixture(scope="module")
def url():
    with postgres.server("psycopg") as url:
        yield url


@pytest.fixture
def execute(url):
    """Runs statements in a schema of the test's own."""
    engine = sa.create_engine(url)

    def run(*statements):
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    run('drop schema if exists "Sales" cascade', 'create schema "Sales"')
    yield run
    engine.dispose()


def _read(url, window, *tables):
    """The rows of the last of the tables."""
    extraction = Extraction(SqlSource("erp", url), window, LOADED_AT)
    extraction.locate(tables)
    for each in tables:
        extraction.open(each)
    assert extraction.errors == {}
    return sorted((row for batch in extraction.read(tables[-1]) for row in batch.to_pylist()), key=str)


def test_money_is_an_amount(url, execute):
    execute(
        'create table "Sales"."Payment" ("PaymentID" integer, "Amount" money, "ModifiedAt" timestamp)',
        """insert into "Sales"."Payment" values
            (1, '$1,234.56', '2024-01-02'), (2, '-$0.50', '2024-01-02'), (3, null, '2024-01-02')""",
    )
    payments = table(
        "payments",
        {"payment_id": "bigint", "amount": "decimal(19,4)", "modified_at": "timestamp"},
        kind="sql",
        source_table="Sales.Payment",
        modified=("modified_at",),
    )
    rows = _read(url, days(2), payments)
    assert sorted((row["payment_id"], row["amount"]) for row in rows) == [
        (1, Decimal("1234.56")), (2, Decimal("-0.50")), (3, None)
    ]  # fmt: skip


def test_types_become_the_contracts(url, execute):
    execute(
        """create table "Sales"."Kinds" (
            "KindID" integer, "Amount" numeric(19, 4), "LineTotal" numeric, "Ratio" double precision,
            "IsGood" boolean, "IsOld" smallint, "Note" text, "Code" uuid, "Number" integer, "Day" date,
            "DayOfTime" timestamp, "TimeOfDay" date, "LocalTime" timestamptz, "ModifiedAt" timestamp,
            "More" jsonb
        )""",
        """insert into "Sales"."Kinds" values
            (1, 99999999999999.9999, 0.1234567, 0.1, true, 0, 'Größe, 大',
             '00000000-0000-0000-0000-000000000001', 7, '2024-01-02', '2024-01-02 10:00:00', '2024-01-02',
             '2024-01-02 10:00:00+02', '2024-01-02 10:00:00.123456', '{}'),
            (2, null, null, null, null, null, null, null, null, null, null, null, null, null, null)""",
    )
    row, empty = _read(url, days(2), KINDS)
    assert row | {"_row_hash": 0} == {
        "kind_id": 1,
        "amount": Decimal("99999999999999.9999"),
        "line_total": Decimal("0.123457"),
        "ratio": Decimal("0.1000"),
        "is_good": True,
        "is_old": False,
        "note": "Größe, 大",
        "code": "00000000-0000-0000-0000-000000000001",
        "number": "7",
        "day": date(2024, 1, 2),
        "day_of_time": date(2024, 1, 2),
        "time_of_day": at(2),
        "local_time": at(2, 8),
        "modified_at": at(2, 10).replace(microsecond=123456),
        "_modified_at": at(2, 10).replace(microsecond=123456),
        "_changed_at": at(2, 10).replace(microsecond=123456),
        "_loaded_at": LOADED_AT.replace(tzinfo=None),
        "_row_hash": 0,
        "_deleted_at": None,
    }
    # Without a time of change it belongs to every window.
    assert {name for name, value in empty.items() if value is not None} == {
        "kind_id",
        "_changed_at",
        "_loaded_at",
        "_row_hash",
    }


@pytest.mark.parametrize("data_type", ["timestamp", "timestamptz"])
def test_the_window_is_closed_open_in_utc(url, execute, data_type):
    """The server's own time zone is Tokyo's."""
    moments = {
        1: "2024-01-01 23:59:59.999999+00",
        2: "2024-01-02 00:00:00+00",
        3: "2024-01-02 23:59:59.999999+00",
        4: "2024-01-03 00:00:00+00",
    }
    rows = ", ".join(f"({n}, '{moment}')" for n, moment in moments.items())
    execute(
        f'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" {data_type})',
        f'insert into "Sales"."Order" values {rows}',
    )
    assert [row["order_id"] for row in _read(url, days(2), ORDERS)] == [2, 3]


def test_lines_come_with_their_orders(url, execute):
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        'create table "Sales"."Line" ("LineID" integer, "OrderID" integer, "ModifiedAt" timestamptz)',
        """insert into "Sales"."Order" values (1, '2024-01-02'), (2, '2024-01-01')""",
        """insert into "Sales"."Line" values
            (1, 1, '2024-01-01 00:00Z'), (2, 2, '2024-01-01 00:00Z'), (3, 2, '2024-01-02 00:00Z')""",
    )
    assert [row["line_id"] for row in _read(url, days(2), ORDERS, LINES)] == [1, 3]


def test_many_rows_are_those_of_sqlite(url, execute, tmp_path):
    """Several batches of several tables at a time; the same row has the same hash in every database."""
    rows = 500_000
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        f"""insert into "Sales"."Order"
            select n, timestamp '2024-01-02' + n % 1000 * interval '1 second'
            from generate_series(1, {rows}) as n""",
    )
    with sqlite3.connect(tmp_path / "erp.sqlite") as erp:
        erp.execute('create table "Order" (OrderID integer, ModifiedAt datetime)')
        erp.execute(
            'insert into "Order" with recursive n(n) as (select 1 union all select n + 1 from n'
            f" where n < {rows}) select n, datetime('2024-01-02', (n % 1000) || ' seconds') from n"
        )
    hashes = []
    for each in (url, f"sqlite:///{tmp_path}/erp.sqlite"):
        extraction = Extraction(SqlSource("erp", each), days(2), LOADED_AT)
        extraction.locate([ORDERS])
        extraction.open(ORDERS)
        batches = list(extraction.read(ORDERS))
        assert len(batches) > 3
        hashes.append({value for batch in batches for value in batch.column("_row_hash").to_pylist()})
    assert len(hashes[0]) == rows
    assert hashes[0] == hashes[1]


def test_what_is_wrong_is_said_plainly(url, execute):
    execute(
        'create table "Sales"."Order" ("OrderID" text, "ModifiedAt" timestamp)',
        """insert into "Sales"."Order" values ('SO-1', '2024-01-02')""",
        'create table "Sales"."Line" ("LineID" integer)',
    )
    extraction = Extraction(SqlSource("erp", url), days(2), LOADED_AT)
    extraction.locate([ORDERS, LINES, KINDS])
    for each in (ORDERS, LINES):
        extraction.open(each)
    assert set(extraction.located) == {"orders", "lines"}
    assert [row.value for row in extraction.refusals.of(ORDERS)] == ["SO-1"]
    assert (
        "Sales.Line has no column order_id, modified_at, which lines must have" in extraction.errors["lines"]
    )


@fault(Area.INGESTION, "PostgreSQL cannot be reached", "A sentence with the setting that names it.")
def test_a_database_that_does_not_answer(url):
    with pytest.raises(SourceUnreachableError, match=r"cannot be reached.*RETAIL_ERP_URL"):
        SqlSource("erp", url.replace("host=", "host=/nowhere")).check()
    with pytest.raises(SourceError, match="needs a driver that is not installed"):
        SqlSource("erp", "mysql+mysqldb://localhost/x")


def _orders(url, window=None, table=ORDERS, **options):
    """What a reading gives, and the extraction."""
    extraction = Extraction(SqlSource("erp", url, **options), window or days(2), LOADED_AT)
    extraction.locate([table])
    extraction.open(table)
    rows = [row for batch in extraction.read(table) for row in batch.to_pylist()]
    return sorted((row["order_id"], row["_modified_at"]) for row in rows), extraction


def test_open_ends_are_the_last_moment(url, execute):
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamptz)',
        """insert into "Sales"."Order" values
            (1, 'infinity'), (2, '-infinity'), (3, '294276-12-31'), (4, '2024-01-02 10:00:00+09'),
            (5, '0001-01-01 00:00:00 BC'), (6, '9999-12-31 10:00:00+00'), (7, null),
            (8, '2024-01-03 10:00:00+00'), (9, '9999-12-31 23:59:59+00')""",
    )
    rows, _ = _orders(url)
    first = datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC).replace(tzinfo=None)
    assert rows == [
        (1, last),
        (2, first),
        (3, last),
        (4, at(2, 1)),
        (5, first),
        (6, last.replace(hour=10, minute=0, second=0, microsecond=0)),
        (7, None),
        (9, last),
    ]


@pytest.mark.parametrize(
    ("data_type", "values"),
    {
        "text": ["'2024-01-02T23:30:00-05:00'", "'2024-01-03 10:00'", "'02.01.2024 10:00'", "'some day'"],
        "bigint": ["1704256200", "1704276000000", "20240102", "31"],
        "double precision": ["1704256200.5", "1704276000", "2460311.5", "'nan'"],
        "numeric": ["1704256200.25", "1704276000", "20240102100000", "7"],
        "date": ["'2024-01-03'", "'2024-01-03'", "'2024-01-02'", "null"],
    }.items(),
)
def test_stamps_of_any_type(url, execute, data_type, values):
    """The first two are of 3 January in UTC, the third is of the day before, the last is of none."""
    rows = ", ".join(f"({number}, {value})" for number, value in enumerate(values))
    execute(
        f'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" {data_type})',
        f'insert into "Sales"."Order" values {rows}',
    )
    found, extraction = _orders(url, days(3))
    refused = [row.row_key for row in extraction.refusals.of(ORDERS)]
    if values[-1] == "null":
        assert ([key for key, _ in found], refused) == ([0, 1, 3], [])
    else:
        assert ([key for key, _ in found], refused) == ([0, 1], ["order_id=3"])


@fault(
    Area.MACHINE,
    "The night in which the clocks go back: 02:30 comes twice",
    "Each row comes with one window, and its lines with it.",
)
def test_local_times_of_the_night_in_which_the_clocks_go_back(url, execute):
    """02:30 comes twice; a row of it comes with one window, wherever that ends, and its lines with it."""
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        'create table "Sales"."Line" ("LineID" integer, "OrderID" integer, "ModifiedAt" timestamp)',
        """insert into "Sales"."Order"
            select n, timestamp '2023-10-29 00:05' + n * interval '10 min' from generate_series(0, 29) n""",
        """insert into "Sales"."Line" select "OrderID", "OrderID", '2023-10-01' from "Sales"."Order" """,
    )
    bounds = [datetime(2023, 10, 28, 22, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(13)]
    found: dict[str, list[tuple[int, datetime]]] = {"orders": [], "lines": []}
    for window in pairwise(bounds):
        source = SqlSource("erp", url, zone="Europe/Madrid")
        for kind in (ORDERS, LINES):
            assert source.locate(kind)
            for batch in source.read(kind, Window(*window), LOADED_AT):
                found[kind.name] += [(row["order_id"], window[0]) for row in batch.to_pylist()]
    assert sorted(key for key, _ in found["orders"]) == list(range(30))
    assert sorted(found["lines"]) == sorted(found["orders"])


@fault(Area.INGESTION, "Another program has locked a table", "That table is set aside; the others are read.")
def test_a_locked_table_is_set_aside_and_the_others_are_read(url, execute, monkeypatch):
    monkeypatch.setattr(
        databases, "_SESSION", {"postgresql": ("set lock_timeout = '100ms'", "set datestyle = 'ISO'")}
    )
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        'create table "Sales"."Line" ("LineID" integer, "OrderID" integer, "ModifiedAt" timestamp)',
        """insert into "Sales"."Order" values (1, '2024-01-02')""",
    )
    lines = replace(LINES, parent=None)
    source = SqlSource("erp", url)
    extraction = Extraction(source, days(2), LOADED_AT)
    extraction.locate([ORDERS, lines])
    with sa.create_engine(url).connect() as other:
        other.execute(sa.text('lock table "Sales"."Line" in access exclusive mode'))
        extraction.open(ORDERS)
        extraction.open(lines)
    assert (
        "Sales.Line (lines) could not be read: canceling statement due to lock" in extraction.errors["lines"]
    )
    assert extraction.rows["orders"] == 1


@fault(
    Area.INGESTION,
    "Rows change and a table is dropped while the database is read",
    "All tables are of one moment; the dropped one alone is set aside.",
)
def test_all_tables_are_of_one_moment(url, execute):
    """Writers do not wait, and a table that fails keeps nothing from being read at the same moment."""
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        'create table "Sales"."Line" ("LineID" integer, "OrderID" integer, "ModifiedAt" timestamp)',
        'create table "Sales"."Kinds" ("KindID" integer)',
        """insert into "Sales"."Order" values (1, '2024-01-02')""",
        """insert into "Sales"."Line" values (10, 1, '2024-01-01')""",
    )
    extraction = Extraction(SqlSource("erp", url), days(2), LOADED_AT)
    extraction.locate([ORDERS, KINDS, LINES])
    with extraction.source.at_one_moment():
        extraction.open(ORDERS)
        execute(
            """set lock_timeout = '1s'""",
            """update "Sales"."Order" set "OrderID" = 2, "ModifiedAt" = '2024-01-03'""",
            """delete from "Sales"."Line" """,
            """drop table "Sales"."Kinds" """,
        )
        extraction.open(KINDS)
        extraction.open(LINES)
        assert set(extraction.errors) == {"kinds"}
        found = [
            [row for batch in extraction.read(each) for row in batch.to_pylist()] for each in (ORDERS, LINES)
        ]
        assert [row["order_id"] for row in found[0]] == [1]
        assert [row["line_id"] for row in found[1]] == [10]
        assert extraction.source.count_by_day(ORDERS, [days(2), days(3)]) == [1, 0]
    assert extraction.source.count_by_day(ORDERS, [days(2), days(3)]) == [0, 1]
    assert _read(url, days(2), ORDERS, LINES) == []


@fault(Area.INGESTION, "A right to read is missing", "That table is set aside, and the right is named.")
def test_a_table_that_one_may_not_read_is_set_aside(url, execute):
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        "drop role if exists clerk",
        "create role clerk login",
        'grant usage on schema "Sales" to clerk',
    )
    _, extraction = _orders(url.replace("tests@", "clerk@"))
    assert "permission denied for table Order" in extraction.errors["orders"]
    execute("drop owned by clerk", "drop role clerk")


def test_who_is_refused_is_not_tried_again(url):
    with pytest.raises(SourceError, match=r"refuses .*does not exist") as raised:
        SqlSource("erp", url.replace("tests@", "nobody_here@")).check()
    assert not raised.value.may_pass
    with pytest.raises(SourceError, match=r"refuses .*does not exist"):
        SqlSource("erp", url.replace("/postgres?", "/nothing_here?")).check()


def test_names_as_postgresql_folds_them_and_views(url, execute):
    execute(
        "create table sales_order_in_lower_case (orderid integer, modifiedat timestamp)",
        "insert into sales_order_in_lower_case values (1, '2024-01-02'), (2, '2024-01-02')",
        'create view "order" as select * from sales_order_in_lower_case where orderid > 1',
    )
    rows, _ = _orders(url)
    assert [key for key, _ in rows] == [2]
    execute(
        'drop view "order"', 'create materialized view "order" as select * from sales_order_in_lower_case'
    )
    rows, _ = _orders(url)
    assert [key for key, _ in rows] == [1, 2]
    execute('drop materialized view "order"', "drop table sales_order_in_lower_case")


def test_rows_are_counted_by_day_as_they_are_read(url, execute):
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        """insert into "Sales"."Order"
            select n, timestamp '2024-01-02 23:00' + n * interval '1h' from generate_series(0, 50) as n""",
        """insert into "Sales"."Order" values (99, null), (98, '9999-12-31')""",
    )
    spans = [days(number) for number in (2, 3, 4, 5)]
    for zone in ("UTC", "Asia/Tokyo"):
        source = SqlSource("erp", url, zone=zone)
        source.locate(ORDERS)
        read = []
        for span in spans:
            batches = source.read(ORDERS, span, LOADED_AT)
            moments = [row["_modified_at"] for batch in batches for row in batch.to_pylist()]
            read.append(sum(moment is not None and moment.year == 2024 for moment in moments))
        assert source.count_by_day(ORDERS, spans) == read
        assert sum(read) == 51


TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)
MOMENTS = st.datetimes(datetime(1, 1, 1))  # noqa: DTZ001
COLUMNS = {
    "KindID": ("integer", st.integers(-(2**31), 2**31 - 1)),
    "Amount": ("numeric", st.decimals(-(10**14), 10**14, places=6) | st.sampled_from(["NaN", 0.1])),
    "LineTotal": ("numeric(38, 6)", st.decimals(-(10**30), 10**30, places=6)),
    "Ratio": ("double precision", st.floats(allow_nan=True, allow_infinity=True)),
    "IsGood": ("boolean", st.booleans()),
    "IsOld": ("smallint", st.integers(0, 1)),
    "Note": ("text", TEXTS),
    "Code": ("char(6)", st.sampled_from(["", " a", 'a"b', "\\N", "x\ny", "x\r\ny", ",,", "NULL"])),
    "Number": ("bigint", st.integers(-(2**63), 2**63 - 1)),
    "Day": ("date", st.dates() | st.sampled_from(["infinity", "0044-03-15 BC"])),
    "DayOfTime": ("timestamp", MOMENTS | st.just("-infinity")),
    "TimeOfDay": ("uuid", st.uuids()),
    "LocalTime": ("timestamptz", MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))),
    "ModifiedAt": ("timestamp", st.sampled_from([f"{at(2)}", "2024-01-02 23:59:59.999999", f"{at(1)}"])),
}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(st.tuples(*(st.none() | values for _, values in COLUMNS.values())), max_size=6))
def test_what_is_copied_is_what_is_read_by_rows(url, execute, rows):
    """Every value, also what PostgreSQL has and Python has not, and why a row is refused."""
    declared = ", ".join(f'"{name}" {kind}' for name, (kind, _) in COLUMNS.items())
    execute('drop table if exists "Sales"."Kinds"', f'create table "Sales"."Kinds" ({declared})')
    engine = sa.create_engine(url)
    marks = ", ".join(f"cast(%s as {kind})" for kind, _ in COLUMNS.values())
    with engine.begin() as connection:
        for row in rows:
            connection.exec_driver_sql(f'insert into "Sales"."Kinds" values ({marks})', row)
    engine.dispose()
    source = SqlSource("erp", url)
    assert source.locate(KINDS)

    def read():
        found = [row for batch in source.read(KINDS, days(2), LOADED_AT) for row in batch.to_pylist()]
        # The hash of a refused row is of its values as they came: of types that its batch makes of them.
        return sorted(str(row | ({"_row_hash": 0} if row["_refused"] else {})) for row in found)

    copied = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgresql, "kinds", lambda *_: None)
        by_rows = read()
    assert copied == by_rows


def test_a_null_that_stands_alone_is_a_row(url, execute):
    """Of one column, COPY writes it as an empty line."""
    execute(
        'create table "Sales"."Order" ("Note" text)', """insert into "Sales"."Order" values (null), ('')"""
    )
    query = sa.select(sa.table("Order", sa.column("Note"), schema="Sales").c.Note)
    with sa.create_engine(url).connect() as connection:
        read = list(postgresql.batches(connection, query, ["note"], ["text"]))
    assert [row for batch in read for row in batch.column(0).to_pylist()] == [None, ""]


def test_a_type_that_copy_writes_in_its_own_way_is_read_by_rows(url, execute):
    """Bytes, as a mapping may take them for a text, are what they were before there was COPY."""
    execute(
        'create table "Sales"."Order" ("OrderID" bytea, "ModifiedAt" timestamp)',
        """insert into "Sales"."Order" values ('\\x3137', '2024-01-02')""",
    )
    with sa.create_engine(url).connect() as connection:
        columns = sa.table("Order", sa.column("OrderID"), schema="Sales").c
        assert postgresql.kinds(connection, sa.select(columns.OrderID)) is None


def test_what_fails_while_it_is_copied_is_a_sentence(url, execute):
    execute(
        'create table "Sales"."Base" (id integer, d integer, at timestamp)',
        """insert into "Sales"."Base"
            select n, 90000 - n, '2024-01-02' from generate_series(1, 99999) as n""",
        """create view "Sales"."Order" as
            select id / d + id as "OrderID", at as "ModifiedAt" from "Sales"."Base\"""",
    )
    source = SqlSource("erp", url)
    assert source.locate(ORDERS)
    with pytest.raises(SourceError, match=r"Sales\.Order \(orders\) could not be read: division by zero"):
        for _ in source.read(ORDERS, days(2), LOADED_AT):
            pass
    # The connection is of use again.
    execute('delete from "Sales"."Base" where d = 0')
    assert sum(batch.num_rows for batch in source.read(ORDERS, days(2), LOADED_AT)) == 99_998


def test_who_stops_reading_leaves_a_connection_of_use(url, execute):
    execute(
        'create table "Sales"."Order" ("OrderID" integer, "ModifiedAt" timestamp)',
        """insert into "Sales"."Order" select n, '2024-01-02' from generate_series(1, 300000) as n""",
    )
    source = SqlSource("erp", url)
    assert source.locate(ORDERS)
    for _ in range(2):
        assert next(batch for batch in source.read(ORDERS, days(2), LOADED_AT) if batch.num_rows)
    assert sum(batch.num_rows for batch in source.read(ORDERS, days(2), LOADED_AT)) == 300_000
