"""SQL Server's drivers against a server of the tests' own: what comes over a socket, what is said."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
import sqlalchemy as sa

from retail_assets.ingestion import database_errors, database_moments, database_rows, databases
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.sql_source import SqlSource
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.tables import at, days, table
from retail_assets_tests.ingestion.tds import HangUp, Refusal, Relation, Server, Silence, certified, running
from retail_assets_tests.ingestion.test_ingest import Platform

LOADED_AT = datetime(2024, 5, 1, tzinfo=UTC)
ORDERS = table(
    "orders",
    {"order_id": "bigint", "amount": "decimal(19,4)", "modified_at": "timestamp"},
    kind="sql",
    system="erp",
    schema="raw_erp",
    source_table="Sales.Order",
    modified=("modified_at",),
)
LINES = table(
    "lines",
    {"line_id": "bigint", "order_id": "bigint", "modified_at": "timestamp"},
    kind="sql",
    system="erp",
    schema="raw_erp",
    source_table="Sales.Line",
    modified=("modified_at",),
    parent="orders",
)
DENIED = Refusal(229, "The SELECT permission was denied on the object 'Order', database 'Shop'.", 14)
OVERFLOW = Refusal(8115, "Arithmetic overflow error converting expression to data type int.")
# What the product asks for a table's rows, and not for the columns.
ROWS = r"FROM \[Sales\]\.\[Order\]"


@pytest.fixture(params=["pymssql", "mssqlpython"])
def driver(request):
    """Each of the two drivers, where it can be loaded."""
    if request.param == "mssqlpython":
        with running(Server({})) as server:
            try:
                SqlSource("erp", server.url("mssqlpython")).check()
            except SourceError as error:
                if "cannot be loaded" in str(error):
                    pytest.skip(f"mssql-python cannot be loaded here: {error}")
                raise
    return request.param


def orders(*rows):
    """Sales.Order with these rows."""
    columns = {"OrderID": "int", "Amount": "money", "ModifiedAt": "datetime"}
    return Relation(columns, rows or [(1, Decimal("9.5"), at(2, 10)), (2, None, at(3))])


def shop(**more):
    """A server with orders, and lines of the first two."""
    lines = [(11, 1, at(1)), (12, 1, at(1)), (21, 2, at(2)), (31, 3, at(1))]
    columns = {"LineID": "int", "OrderID": "int", "ModifiedAt": "datetime2(3)"}
    return Server({"Sales.Order": orders(), "Sales.Line": Relation(columns, lines)}, **more)


def opened(url, *tables, **options):
    """The tables, opened to be read."""
    extraction = Extraction(SqlSource("erp", url, **options), days(2), LOADED_AT)
    extraction.locate(tables)
    for each in tables:
        extraction.open(each)
    return extraction


def rows_of(extraction, kind):
    """The rows of an opened table."""
    rows = (row for batch in extraction.read(kind) for row in batch.to_pylist())
    return sorted(rows, key=lambda row: row[kind.primary_key[0]])


@contextmanager
def within(seconds) -> Iterator[None]:
    """What takes longer waits for what does not come."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def test_rows_of_a_window_and_lines_with_their_orders(driver):
    with running(shop()) as server:
        extraction = opened(server.url(driver), ORDERS, LINES)
        assert extraction.errors == {}
        assert [(row["order_id"], row["amount"]) for row in rows_of(extraction, ORDERS)] == [
            (1, Decimal("9.5000"))
        ]
        assert [row["line_id"] for row in rows_of(extraction, LINES)] == [11, 12, 21]


def test_no_row_is_lost_at_the_edges_of_batches(driver, monkeypatch):
    """SQLAlchemy takes the first row of a result that is streamed."""
    monkeypatch.setattr(database_rows, "BATCH_ROWS", 2)
    rows = [(number, Decimal(number), at(2, number)) for number in range(1, 8)]
    for some in (rows, rows[:1], rows[:2]):
        with running(Server({"Sales.Order": orders(*some)})) as server:
            found = rows_of(opened(server.url(driver), ORDERS), ORDERS)
            assert [row["order_id"] for row in found] == [number for number, *_ in some]


def test_a_table_without_rows(driver):
    with running(Server({"Sales.Order": replace(orders(), rows=())})) as server:
        extraction = opened(server.url(driver), ORDERS)
        assert extraction.was_read(ORDERS)
        assert rows_of(extraction, ORDERS) == []


def test_views_and_synonyms_are_found(driver):
    view = replace(orders(), is_view=True)
    for relations, synonyms in (({"Sales.Order": view}, {}), ({"dbo.X": view}, {"Sales.Order": "dbo.X"})):
        with running(Server(relations, synonyms=synonyms)) as server:
            assert [row["order_id"] for row in rows_of(opened(server.url(driver), ORDERS), ORDERS)] == [1]
            assert "Sales.Order" in SqlSource("erp", server.url(driver)).relations()


def test_a_synonym_of_what_is_gone_is_told(driver):
    with running(Server({"dbo.Kept": orders()}, synonyms={"Sales.Order": "dbo.Gone"})) as server:
        extraction = opened(server.url(driver), ORDERS)
        assert "Sales.Order (orders) could not be read: Invalid object name" in extraction.errors["orders"]
        assert list(SqlSource("erp", server.url(driver)).relations()) == ["Kept"]


def test_columns_that_are_computed_or_of_a_type_with_a_name_of_its_own(driver):
    columns = {"OrderID": "int", "Amount": "decimal(38,6)", "ModifiedAt": "datetime"}
    relation = Relation(
        columns,
        [(1, Decimal("9.999999"), at(2, 10))],
        aliases={"OrderID": "OrderNumber"},
        computed={"Amount": "isnull([Price]*[Quantity],(0.0))"},
    )
    exact = replace(
        ORDERS,
        columns=(ORDERS.columns[0], replace(ORDERS.columns[1], data_type="decimal(38,6)"), ORDERS.columns[2]),
    )
    with running(Server({"Sales.Order": relation})) as server:
        (found,) = rows_of(opened(server.url(driver), exact), exact)
    assert (found["order_id"], found["amount"]) == (1, Decimal("9.999999"))


def moved(server):
    """What somebody commits between two readings: an order is changed, and its line goes."""
    server.relations["Sales.Order"].rows = [(1, Decimal(7), at(2, 12))]
    server.relations["Sales.Line"].rows = []


@pytest.mark.parametrize("has_snapshots", [True, False])
def test_all_tables_are_of_one_moment_where_the_database_allows_it(driver, monkeypatch, has_snapshots):
    """The first table is still open when the second is read, on the same connection."""
    monkeypatch.setattr(database_rows, "BATCH_ROWS", 2)
    columns = {"LineID": "int", "OrderID": "int", "ModifiedAt": "datetime2(3)"}
    rows = [(number, Decimal(number), at(2, 10)) for number in range(1, 30)]
    lines = [(10 * number, number, at(1)) for number in range(1, 30)]
    relations = {"Sales.Order": orders(*rows), "Sales.Line": Relation(columns, lines)}
    with running(Server(relations, has_snapshots=has_snapshots)) as server:
        extraction = Extraction(SqlSource("erp", server.url(driver)), days(2), LOADED_AT)
        extraction.locate([ORDERS, LINES])
        with extraction.source.at_one_moment():
            extraction.open(ORDERS)
            moved(server)
            extraction.open(LINES)
            assert extraction.errors == {}
            read = rows_of(extraction, ORDERS)
            found = [row["line_id"] for row in rows_of(extraction, LINES)]
            counted = extraction.source.count_by_day(ORDERS, [days(2)])
        assert [row["amount"] for row in read] == [Decimal(number) for number in range(1, 30)]
        assert found == ([key for key, *_ in lines] if has_snapshots else [])
        assert counted == [29 if has_snapshots else 1]
        # It is over.
        assert [row["amount"] for row in rows_of(opened(server.url(driver), ORDERS), ORDERS)] == [7]


def test_a_database_behind_a_synonym_may_have_no_snapshots(driver):
    """What is in it is read as it is, and the others at the moment."""
    server = shop(has_snapshots=True)
    server.relations["Sales.Order"].has_snapshots = False
    alone = replace(LINES, parent=None)
    with running(server):
        extraction = Extraction(SqlSource("erp", server.url(driver)), days(2), LOADED_AT)
        extraction.locate([ORDERS, alone])
        with extraction.source.at_one_moment():
            extraction.open(alone)
            moved(server)
            extraction.open(ORDERS)
            assert extraction.errors == {}
            assert [row["amount"] for row in rows_of(extraction, ORDERS)] == [7]
            assert [row["line_id"] for row in rows_of(extraction, alone)] == [21]


def test_what_goes_wrong_in_a_result_that_was_put_by_is_of_its_own_table():
    """And not of the one whose query made it give way."""

    def batches():
        yield pa.RecordBatch.from_pylist([{"a": 1}])
        yield pa.RecordBatch.from_pylist([{"a": "two"}])
        raise ArithmeticError

    result = database_moments._Result(batches())
    reading = result.batches()
    assert next(reading).to_pylist() == [{"a": 1}]
    result.put_by()
    assert next(reading).to_pylist() == [{"a": "two"}]
    with pytest.raises(ArithmeticError):
        next(reading)


def test_a_row_that_was_committed_late_is_in_the_overlap(driver):
    """With a time of change in a window that was read before; and so is a line of its order."""
    with running(shop(has_snapshots=True)) as server:
        extraction = Extraction(
            SqlSource("erp", server.url(driver), overlap=timedelta(hours=24)), days(3), LOADED_AT
        )
        extraction.locate([ORDERS, LINES])
        for each in (ORDERS, LINES):
            extraction.open(each)
        assert [row["order_id"] for row in rows_of(extraction, ORDERS)] == [1, 2]
        assert [row["line_id"] for row in rows_of(extraction, LINES)] == [11, 12, 21]


def test_a_line_comes_once_also_if_it_changed_with_its_order(driver):
    """And a line without a time of change comes with its order, or in every window."""
    columns = {"LineID": "int", "OrderID": "int", "ModifiedAt": "datetime2(3)"}
    lines = [(11, 1, at(2, 3)), (12, 1, None), (13, 1, at(1)), (21, 2, None), (22, 2, at(1))]
    with running(Server({"Sales.Order": orders(), "Sales.Line": Relation(columns, lines)})) as server:
        extraction = opened(server.url(driver), ORDERS, LINES)
        assert [row["line_id"] for row in rows_of(extraction, LINES)] == [11, 12, 13, 21]
        (asked,) = [each for each in server.asked if "UNION ALL" in each]
        assert asked.count("[Sales].[Line]") > 1


def test_nothing_is_sent_in_clear_text_unless_the_url_says_so(driver):
    """The tests' server cannot encrypt: it never gets to see the password."""
    with running(shop()) as server:
        bare = server.url(driver).partition("?")[0] + "?login_timeout=2"
        with pytest.raises(SourceError, match=r"\?encryption=off|Encrypt") as raised:
            SqlSource("erp", bare).check()
        assert "Secret-1" not in str(raised.value)
        assert not [each for each in server.asked if each.startswith("login")]


def test_everything_is_encrypted_where_the_server_can(driver, tmp_path):
    """Without a word in the URL. pymssql checks no certificate, and Microsoft's driver says what it lacks."""
    with running(shop(tls=certified(tmp_path))) as server:
        if driver == "mssqlpython":
            with pytest.raises(SourceError, match="certificate") as raised:
                SqlSource("erp", server.url(driver)).check()
            assert not raised.value.may_pass
        trusted = {"TrustServerCertificate": "yes"} if driver == "mssqlpython" else {}
        extraction = opened(server.url(driver, **trusted), ORDERS)
        assert [row["order_id"] for row in rows_of(extraction, ORDERS)] == [1]


def test_xml_and_geography_are_never_selected(driver):
    kinds = table("kinds", {"id": "bigint", "plan": "varchar", "place": "varchar", "node": "varchar"})
    optional = tuple(replace(column, without="no more of it") for column in kinds.columns[1:])
    kinds = replace(kinds, load="snapshot", source_table="Sales.Kind", columns=(kinds.columns[0], *optional))
    columns = {"Id": "int", "Plan": "xml", "Place": "geography", "Node": "hierarchyid"}
    with running(Server({"Sales.Kind": Relation(columns, [(1, None, None, None)])})) as server:
        extraction = opened(server.url(driver), kinds)
        assert [each.name for each in extraction.found["kinds"].lacking] == ["plan", "place", "node"]
        assert [row["id"] for row in rows_of(extraction, kinds)] == [1]
        assert not [request for request in server.asked if "[Plan]" in request or "[Place]" in request]


def test_a_wrong_password_is_told_and_tried_once(driver):
    with running(shop()) as server:
        said = "Login failed for user .reader.|the server refused the login, and pymssql does not say why"
        with pytest.raises(SourceError, match=rf"refuses .({said})") as raised:
            SqlSource("erp", server.url(driver, login="reader:Wrong-2")).check()
        assert not raised.value.may_pass
        assert "Wrong-2" not in str(raised.value)
        assert len([each for each in server.asked if each.startswith("login")]) == 1


def test_a_database_that_cannot_be_opened_is_told(driver):
    refusal = Refusal(4060, 'Cannot open database "Shop" requested by the login. The login failed.', 11)
    with running(shop(rules=[("^login", refusal)])) as server:
        # pymssql tells a reason once in a process.
        said = "Cannot open database|the server refused the login, and pymssql does not say why"
        with pytest.raises(SourceError, match=rf"refuses .({said})") as raised:
            SqlSource("erp", server.url(driver)).check()
        assert not raised.value.may_pass


@pytest.mark.parametrize(
    "reason", ["Server is in script upgrade mode.", "SQL Server service has been paused."]
)
def test_a_database_that_is_starting_is_tried_again(reason):
    said = f"Login failed for user 'x'. Reason: {reason}DB-Lib error message 20018, severity 14:\nMore"
    error = type("OperationalError", (_Error,), {})((18401, said.encode()))
    told = database_errors.failure("erp", "mssql+pymssql://host/Shop", error)
    assert told.may_pass
    assert f"cannot be reached (Login failed for user 'x'. Reason: {reason[:-1]})" in str(told)


def test_raw_takes_the_same_rows_from_either_driver_once(driver, tmp_path):
    """Loaded by rows, read again by the driver at hand; then a right is lost, and nobody may miss it."""
    code = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
    kinds = {"order_id": "bigint", "code": "varchar", "ratio": "double", "modified_at": "timestamp"}
    coded = table(
        "orders",
        kinds,
        kind="sql",
        system="erp",
        schema="raw_erp",
        source_table="Sales.Order",
        modified=("modified_at",),
    )
    columns = {"OrderID": "int", "Code": "uniqueidentifier", "Ratio": "real", "ModifiedAt": "datetime"}
    rows = [(1, code, 0.1, at(2, 10)), (2, None, None, at(2, 11).replace(microsecond=997000))]
    platform = Platform(tmp_path)
    with running(Server({"Sales.Order": Relation(columns, rows)})) as server:
        for each, new in (("pymssql", 2), (driver, 0)):
            platform.settings = platform.settings.model_copy(update={"erp_url": server.url(each)})
            assert platform.ingest(days(2), [coded]).errors == {}
            assert platform.loaded["orders"].new == new
        assert platform.query("select code from raw_erp.orders order by 1") == [(code.lower(),), (None,)]
        server.hidden.add("Sales.Order")
        assert "may not read it" in platform.ingest(days(3), [coded]).errors["orders"]
    assert platform.query("select count(*) from raw_erp.orders where _deleted_at is null") == [(2,)]


@fault(Area.INGESTION, "A table of SQL Server cannot be read", "It alone is set aside.")
@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (DENIED, "The SELECT permission was denied on the object 'Order', database 'Shop'. Give the user of"),
        (OVERFLOW, "Arithmetic overflow error converting expression to data type int. Nothing of it"),
        (Refusal(1222, "Lock request time out period exceeded."), "Lock request time out period exceeded"),
    ],
)
def test_a_table_that_cannot_be_read_is_set_aside_alone(driver, refusal, said):
    lines = replace(LINES, parent=None)
    with running(shop(rules=[(ROWS, refusal)])) as server:
        extraction = opened(server.url(driver), ORDERS, lines)
        assert list(extraction.errors) == ["orders"]
        assert f"Sales.Order (orders) could not be read: {said}" in extraction.errors["orders"]
        assert [row["line_id"] for row in rows_of(extraction, lines)] == [21]


def test_a_right_that_is_missing_is_found_without_reading(driver):
    with running(shop(rules=[(ROWS, DENIED)])) as server:
        source = SqlSource("erp", server.url(driver))
        assert source.locate(ORDERS)
        assert source.locate(LINES)
        source.probe(LINES)
        with pytest.raises(SourceError, match="Give the user of RETAIL_ERP_URL the right to select from it"):
            source.probe(ORDERS)


@fault(
    Area.INGESTION,
    "SQL Server hangs up, at any moment",
    "The system counts as out of reach and is tried again; nothing is said of its tables.",
)
@pytest.mark.parametrize("moment", ["sys.objects", "sys.columns", "SCHEMATA", "^prelogin", ROWS])
def test_a_connection_that_breaks_is_tried_again(driver, moment):
    """Whenever it breaks: nothing is said of tables or of their values."""
    with (
        running(shop(rules=[(moment, HangUp())])) as server,
        pytest.raises(SourceUnreachableError, match="cannot be reached") as raised,
    ):
        opened(server.url(driver, login_timeout=2), ORDERS)
    assert raised.value.may_pass
    assert "SELECT" not in str(raised.value)


@fault(Area.INGESTION, "SQL Server hangs up within a result", "The same.")
def test_a_connection_that_breaks_within_a_result_is_tried_again(driver):
    rows = [(number, Decimal(number), at(2, 10)) for number in range(2000)]
    server = Server({"Sales.Order": orders(*rows)}, rules=[(ROWS, HangUp(20_000))])
    with running(server), pytest.raises(SourceUnreachableError, match="cannot be reached"):
        opened(server.url(driver), ORDERS)


SILENT = ("^prelogin", "^login")


@fault(
    Area.INGESTION,
    "SQL Server does not answer a login",
    "It is given up after the time that is set.",
    times=len(SILENT),
)
def test_a_server_that_is_silent_is_given_up(driver):
    for moment in SILENT:
        with (
            running(shop(rules=[(moment, Silence())])) as server,
            within(100),
            pytest.raises(SourceUnreachableError),
        ):
            SqlSource("erp", server.url(driver, login_timeout=1)).check()


@fault(Area.INGESTION, "SQL Server falls silent", "It is given up after the time that is set.")
def test_a_server_that_falls_silent_is_given_up():
    """It answers nothing any more: no query, no cancelling, no new connection.

    Microsoft's driver, which does the same, waits four minutes besides for its cancelling to be answered.
    """
    with running(shop()) as server, within(100):
        source = SqlSource("erp", server.url("pymssql", login_timeout=1, timeout=1))
        assert source.locate(ORDERS)
        server.rules.append(("", Silence()))
        with pytest.raises(SourceUnreachableError):
            list(source.read(ORDERS, days(2), LOADED_AT))


@fault(Area.INGESTION, "A query takes too long", "Its table alone is set aside.")
def test_a_query_that_takes_too_long_is_of_its_table_alone(driver):
    """As long as the server answers others."""
    with running(shop(rules=[(ROWS, Silence())])) as server, within(100):
        extraction = opened(server.url(driver, timeout=1), ORDERS)
        assert "Sales.Order (orders) could not be read" in extraction.errors["orders"]


def test_nothing_waits_without_end():
    """Where the URL does not say how long."""
    for url in (
        "mssql+pymssql://h/d",
        "mssql+mssqlpython://h/d",
        "postgresql+psycopg://h/d",
        "mysql+pymysql://h",
    ):
        waiting = databases._waiting(sa.make_url(url))
        assert databases.LOGIN_SECONDS in waiting.values()
        assert {databases.QUERY_SECONDS, databases.QUERY_SECONDS * 1000} & {*waiting.values()}
    said = sa.make_url("mysql+pymysql://h/d?read_timeout=7200")
    assert "read_timeout" not in databases._waiting(said)


def test_a_driver_that_is_not_there_is_named_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymssql", None)
    with pytest.raises(SourceError, match=r"needs a driver .*: pymssql .*\.\[sqlserver-pymssql\]") as raised:
        SqlSource("erp", "mssql+pymssql://reader:Secret-1@host/Shop")
    assert not raised.value.may_pass


def test_a_driver_that_lacks_a_library_says_which_package():
    """mssql-python says so at its first connection, as of a server that is down."""
    error = type("OperationalError", (_Error,), {})("Connection operation failed")
    error.driver_error = "Connection operation failed"
    error.ddbc_error = "Failed to load the driver. Please read the documentation (https://example.org)"
    told = database_errors.failure("erp", "mssql+mssqlpython://host/Shop", error)
    assert not told.may_pass
    assert "mssqlpython (Failed to load the driver)" in str(told)
    assert "libltdl7" in str(told)


def test_a_setting_that_a_driver_does_not_know_is_named(driver):
    with running(shop()) as server, pytest.raises(SourceError, match=r"cannot be opened .*[Ff]oo") as raised:
        SqlSource("erp", server.url(driver, Foo="bar")).check()
    assert not raised.value.may_pass


class _Error(Exception):
    """As PEP 249 has it."""


_Error.__name__ = "Error"


@pytest.mark.parametrize(
    ("name", "said", "is_lost"),
    [
        ("Error", "[01000] [FreeTDS][SQL Server]Unexpected EOF from the server (20017)", True),
        ("OperationalError", "[08S01] [FreeTDS][SQL Server]Write to the server failed", True),
        ("OperationalError", "(2013, 'Lost connection to MySQL server during query')", True),
        ("DataError", "Conversion failed when converting 'Broken pipe' to int", False),
        ("OperationalError", "canceling statement due to lock timeout", False),
        ("OperationalError", "canceling statement due to statement timeout", False),
        ("OperationalError", "(1205, 'Lock wait timeout exceeded; try restarting transaction')", False),
    ],
)
def test_a_broken_connection_is_told_from_wrong_data(name, said, is_lost):
    original = type(name, (_Error,), {})(said)
    assert database_errors.is_lost(sa.exc.DBAPIError("select 1", {}, original)) == is_lost


# A row of each type: what it is in the contract, what the server has, and what raw gets.
TYPES = {
    "money": ("decimal(19,4)", Decimal("-99999999999999.9999"), None),
    "smallmoney": ("decimal(19,4)", Decimal("-214748.3648"), None),
    "decimal(38,6)": ("decimal(38,6)", Decimal("99999999999999.123456"), None),
    "datetime": ("timestamp", at(2, 23, 59).replace(second=59, microsecond=997000), None),
    "datetime2(7)": (
        "timestamp",
        (at(2, 3).replace(microsecond=123456), 9),
        at(2, 3).replace(microsecond=123456),
    ),
    "datetimeoffset(7)": (
        "timestamp",
        datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=9))),
        at(1, 18),
    ),
    "smalldatetime": ("timestamp", at(2, 3, 4), None),
    "date": ("date", date(2024, 2, 29), None),
    "time(7)": ("varchar", datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC).time(), "03:04:05.123456"),
    "bit": ("boolean", True, None),
    "tinyint": ("bigint", 255, None),
    "smallint": ("bigint", -32768, None),
    "bigint": ("bigint", -(2**63), None),
    "real": ("double", 1.5, None),
    "float": ("double", 0.1, None),
    "uniqueidentifier": (
        "varchar",
        "6F9619FF-8B86-D011-B42D-00C04FC964FF",
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    ),
    "nvarchar(20)": ("varchar", "Größe 漢字 😀", None),
    "nvarchar(max)": ("varchar", "x" * 9000, None),
    "varchar(10)": ("varchar", "Straße", None),
    "char(8)": ("varchar", "ab", "ab      "),
    "nchar(4)": ("varchar", "ab", "ab  "),
    "varbinary(10)": ("varchar", b"\x01A\xff", "\\x01A\\xFF"),
    "timestamp": ("varchar", b"\0\0\0\0\0\0\x07\xd1", "\\x00\\x00\\x00\\x00\\x00\\x00\\x07\\xD1"),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_read_exactly(driver, name):
    """The value, a null, and the same hash of the row by either driver."""
    data_type, there, expected = TYPES[name]
    kinds = table("kinds", {"id": "bigint", "value": data_type}, load="snapshot", source_table="Kind")
    with running(
        Server({"dbo.Kind": Relation({"Id": "int", "Value": name}, [(1, there), (2, None)])})
    ) as server:
        found, empty = rows_of(opened(server.url(driver), kinds), kinds)
    assert found["value"] == (there if expected is None else expected)
    assert empty["value"] is None
    assert found["_row_hash"] == _HASHES.setdefault(name, found["_row_hash"])


_HASHES: dict[str, int] = {}


@pytest.mark.parametrize("kind", ["datetime", "datetime2(7)", "smalldatetime", "datetimeoffset(7)"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_window_is_closed_open_whatever_the_type_and_zone(driver, kind, zone):
    """Midnights in UTC, of a source whose clocks are in a zone."""
    shift = timedelta(hours=9 if zone == "Asia/Tokyo" and kind != "datetimeoffset(7)" else 0)
    moments = [
        at(2) + shift,
        at(3) + shift,
        at(2) + shift - timedelta(minutes=1),
        at(3) + shift - timedelta(minutes=1),
    ]
    there = [each.replace(tzinfo=UTC) if kind == "datetimeoffset(7)" else each for each in moments]
    columns = {"OrderID": "int", "Amount": "money", "ModifiedAt": kind}
    rows = [(number, None, each) for number, each in enumerate(there)]
    with running(Server({"Sales.Order": Relation(columns, rows)})) as server:
        found = rows_of(opened(server.url(driver), ORDERS, zone=zone), ORDERS)
    assert [row["order_id"] for row in found] == [0, 3]


@pytest.mark.parametrize(("zone", "expected"), [("UTC", [2]), ("Asia/Tokyo", [3]), ("America/New_York", [2])])
def test_days_as_stamps_are_midnights_of_their_zone(driver, zone, expected):
    """SQL Server cuts off the time of a text that it compares with a date."""
    columns = {"OrderID": "int", "Amount": "money", "ModifiedAt": "date"}
    rows = [(day, None, date(2024, 1, day)) for day in range(1, 6)]
    with running(Server({"Sales.Order": Relation(columns, rows)})) as server:
        source = SqlSource("erp", server.url(driver), zone=zone)
        assert source.locate(ORDERS)
        found = [row for batch in source.read(ORDERS, days(2), LOADED_AT) for row in batch.to_pylist()]
        assert [row["order_id"] for row in found] == expected
        assert source.count_by_day(ORDERS, [days(2)]) == [1]


def test_the_last_moment_of_a_day_stays_in_it(driver):
    """A seventh digit of a second is cut off, not rounded into the next day, of which it would be lost."""
    last = (at(2, 23, 59).replace(second=59, microsecond=999999), 9)
    columns = {"OrderID": "int", "Amount": "money", "ModifiedAt": "datetime2(7)"}
    with running(Server({"Sales.Order": Relation(columns, [(1, None, last)])})) as server:
        (found,) = rows_of(opened(server.url(driver), ORDERS), ORDERS)
    assert found["modified_at"] == last[0]
