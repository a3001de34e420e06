"""What a source may do to us, and what we say then."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import dagster as dg
import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.catalog.contract import SourceColumn, SourceTable, snake_case
from retail_assets.ingestion.database_rows import array
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.sql_source import SqlSource
from retail_assets.ingestion.urls import shown, without_secrets
from retail_assets.ingestion.values import caster, kinds_of
from retail_assets.windows import Window
from retail_assets_tests.conftest import days_of, write_evening
from retail_assets_tests.faults import Area, fault

WINDOW = Window(datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))
TABLE = SourceTable(
    system="erp",
    kind="sql",
    name="thing",
    schema="raw_erp",
    source_table="Sales.Thing",
    description="",
    primary_key=("thing_id",),
    modified=("modified_date",),
    load="window",
    columns=tuple(
        SourceColumn(name, data_type, "", False)
        for name, data_type in {
            "thing_id": "bigint",
            "amount": "decimal(19,4)",
            "line_total": "decimal(38,6)",
            "modified_date": "timestamp",
        }.items()
    ),
    parent=None,
    unique_id="",
)


def _read(path, table=TABLE):
    source = SqlSource("erp", f"sqlite:///{path}")
    assert source.locate(table)
    batches = source.read(table, WINDOW, datetime(2024, 5, 1, tzinfo=UTC))
    return [row for batch in batches for row in batch.to_pylist()]


def _thing(path, rows):
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "create table Thing (ThingID integer, Amount numeric(19, 4), LineTotal numeric(38, 6),"
            " ModifiedDate datetime)"
        )
        connection.executemany("insert into Thing values (?, ?, ?, ?)", rows)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(10**14), 10**14),
            st.integers(-(10**14), 10**14),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_decimals_stay_exact_though_sqlite_keeps_floats(tmp_path_factory, amounts):
    path = tmp_path_factory.mktemp("exact") / "erp.sqlite"
    _thing(path, [(n, a / 10**4, b / 10**6, "2024-01-02 10:00:00") for n, (a, b) in enumerate(amounts)])
    read = [(row["amount"], row["line_total"]) for row in _read(path)]
    assert read == [(Decimal(a).scaleb(-4), Decimal(b).scaleb(-6)) for a, b in amounts]


def test_the_window_is_closed_open_in_every_spelling(tmp_path):
    moments = {
        1: "2024-01-01 23:59:59.999999",
        2: "2024-01-02 00:00:00",
        3: "2024-01-02 00:00:00.000000",
        4: "2024-01-02T00:00:00",
        5: "2024-01-02 23:59:59.999999",
        6: "2024-01-03 00:00:00",
        7: "2024-01-03 00:00:00.000000",
        8: None,
    }
    _thing(tmp_path / "erp.sqlite", [(n, 1, 1, moment) for n, moment in moments.items()])
    # A row without a time of modification belongs to every window: nothing is lost.
    assert sorted(row["thing_id"] for row in _read(tmp_path / "erp.sqlite")) == [2, 3, 4, 5, 8]


def test_a_snapshot_has_all_rows_and_each_counts_within_the_window(tmp_path):
    moments = ["2024-01-01 10:00:00", "2024-01-02 10:00:00", "2024-01-03 00:00:00"]
    _thing(tmp_path / "erp.sqlite", [(n, 1, 1, moment) for n, moment in enumerate(moments)])
    rows = _read(tmp_path / "erp.sqlite", replace(TABLE, load="snapshot"))
    assert [f"{row['_modified_at']}" for row in rows] == moments
    start = "2024-01-02 00:00:00"
    assert [f"{row['_changed_at']}" for row in rows] == [start, "2024-01-02 10:00:00", start]


def test_types_do_not_depend_on_the_first_rows(tmp_path):
    """Whole numbers and nulls first, fractions and text after the driver has made up its mind."""
    rows: list[tuple[Any, ...]] = [(n, 0, None, "2024-01-02 10:00:00") for n in range(140_000)]
    rows.append((140_000, 0.5, 0.25, "2024-01-02 10:00:00"))
    _thing(tmp_path / "erp.sqlite", rows)
    last = _read(tmp_path / "erp.sqlite")[-1]
    assert (last["amount"], last["line_total"]) == (Decimal("0.5"), Decimal("0.25"))


def test_a_lost_column_is_named(tmp_path):
    path = tmp_path / "erp.sqlite"
    _thing(path, [])
    with sqlite3.connect(path) as connection:
        connection.execute("alter table Thing rename column LineTotal to Total")
    with pytest.raises(SourceError, match=r"Sales\.Thing has no column line_total, which thing must have"):
        _read(path)


def test_a_value_of_another_type_refuses_its_row(tmp_path):
    rows = [(1, "a lot", 1, "2024-01-02 10:00:00"), (2, 1, 1, "2024-01-02 10:00:00")]
    _thing(tmp_path / "erp.sqlite", rows)
    read = {row["thing_id"]: row["_refused"] for row in _read(tmp_path / "erp.sqlite")}
    assert read[2] is None
    assert (read[1]["column_name"], read[1]["value"]) == ("amount", "a lot")


@pytest.mark.parametrize(
    ("odd", "read"),
    [
        ("Infinity", None),
        ("-Infinity", None),
        ("NaN", None),
        ("31234567890123456789.98765432109876543210", None),
        ("0.1234567890123456789012345678901234567890123", Decimal("0.1235")),
        ("1e60", None),
    ],
)
def test_one_odd_number_does_not_stop_its_table(odd, read):
    """PostgreSQL's `numeric` has them, and neither Arrow nor DuckDB all of them."""
    column = SourceColumn("amount", "decimal(19,4)", "", False)
    with duckdb.connect() as connection:
        rows = pa.table({"amount": array((Decimal("-2.25"), None, Decimal(odd)))})
        connection.register("given", rows)
        cast = caster(kinds_of(rows.schema), "UTC")(column)
        found = connection.execute(f"select {cast} from given").fetchall()
    assert found == [(Decimal("-2.25"),), (None,), (read,)]


@pytest.mark.parametrize(
    ("data_type", "given", "read"),
    [
        ("varchar", [3.0, None, 0.25, 1e16], ["3", None, "0.25", "1e+16"]),
        ("varchar", [Decimal("31.00"), Decimal("0.50")], ["31", "0.50"]),
        ("boolean", [0.0, 1.0, None, -1.0, 0.5], [False, True, None, True, None]),
        ("boolean", [0, 1, -1, 2], [False, True, True, None]),
        ("boolean", ["0.0", "1.0", "-1", " 1 ", "2", "Y", "false", ""], [
            False, True, True, True, None, True, False, None,
        ]),
    ],
)  # fmt: skip
def test_numbers_mean_the_same_however_a_program_writes_them(data_type, given, read):
    """Beside nulls pandas makes 3.0 of 3, and Access writes -1 for true."""
    column = SourceColumn("it", data_type, "", False)
    with duckdb.connect() as connection:
        rows = pa.table({"it": array(tuple(given))})
        connection.register("given", rows)
        cast = caster(kinds_of(rows.schema), "UTC")(column)
        assert [value for (value,) in connection.execute(f"select {cast} from given").fetchall()] == read


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(SourceError, match="RETAIL_ERP_URL"):
        SqlSource("erp", f"sqlite:///{tmp_path / 'nothing.sqlite'}").check()


@pytest.mark.parametrize(
    "url", ["postgresql://me:Hunter2@host:54x/db", "postgresql://me:a@Hunter2:b@host/db"]
)
def test_a_url_that_cannot_be_read_says_how_it_is_written(url):
    with pytest.raises(
        SourceError, match=r"RETAIL_ERP_URL is not a URL.*driver://user:password@host"
    ) as raised:
        SqlSource("erp", url)
    assert "Hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "place"),
    {
        "postgresql://me:Hunter2@host:5432/shop?password=Hunter2": "postgresql://host:5432/shop",
        "mssql+pyodbc:///?odbc_connect=Server%3Dhost%3BPWD%3DHunter2": "mssql+pyodbc:///",
        "postgresql://me:x@Hunter2@host/shop": "postgresql://host/shop",
        "postgresql://me:x?Hunter2@host/shop": "postgresql://***",
        "https://host/shop?se=1&sig=Hunter2%2Fx": "https://host/shop",
        "https://Hunter2@host/shop": "https://host/shop",
        "s3://bucket/shop": "s3://bucket/shop",
        "sqlite:////folder/shop.sqlite": "sqlite:////folder/shop.sqlite",
        "/folder/me@home": "/folder/me@home",
    }.items(),
)
def test_no_message_has_a_secret(url, place):
    assert shown(url) == place
    for said in (url, unquote(url)):
        told = without_secrets(f"no connection to {said}: try 1 of 2", url)
        assert "Hunter2" not in told
        assert told.startswith("no connection to ")


@pytest.mark.parametrize(
    "query",
    [
        "driver=ODBC+Driver+18&password=Hunter2&token=Hunter2",
        "odbc_connect=Driver%3DODBC+Driver+18%3BUID%3Dme%3BPWD%3DHunter2",
    ],
)
def test_what_is_no_secret_is_shown(query):
    url = f"mssql+pyodbc://me:Hunter2@host/shop?{query}"
    said = "Can't open lib 'ODBC Driver 18' with Hunter2"
    assert without_secrets(said, url) == "Can't open lib 'ODBC Driver 18' with ***"


def test_what_a_driver_says_has_no_secret(monkeypatch):
    def fail(*_):
        raise sa.exc.OperationalError("", {}, Exception("no server for Driver=y;PWD=Hunter2\nmore"))

    source = SqlSource("erp", "sqlite:///")
    monkeypatch.setattr(source, "_url", "mssql+pyodbc:///?odbc_connect=Driver%3Dx%3BPWD%3DHunter2")
    monkeypatch.setattr(source._tables, "_actual", fail)
    expected = r"mssql\+pyodbc:/// cannot be reached \(no server for Driver=y;PWD=\*\*\*\)"
    with pytest.raises(SourceUnreachableError, match=expected):
        source.check()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("SalesOrderID", "sales_order_id"), ("rowguid", "rowguid"), ("SalesYTD", "sales_ytd")],
)
def test_snake_case(name, expected):
    assert snake_case(name) == expected


@fault(
    Area.INGESTION,
    "A column of a database table is renamed",
    "The table stays as it was and comes in when it is restored.",
)
def test_a_changed_table_stays_as_it_was_and_comes_in_when_it_is_restored(deploy, retailer):
    """One table loses a column: it is told, the others are loaded, and later nothing is missing."""
    days = days_of(0, 14)
    deployment = deploy(sources="erp")
    write_evening(retailer, deployment, days[-3])
    deployment.run(days[0], days[-3])
    (orders,) = deployment.query("select count(*) from raw_erp.sales_order_header")

    write_evening(retailer, deployment, days[-2])
    with closing(sqlite3.connect(deployment.erp)) as erp, erp:
        erp.execute('alter table "SalesOrderHeader" rename column "Freight" to "Shipping"')
    result = deployment.attempt(days[-2])
    assert not result.success
    (wrong,) = [
        check
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
    assert wrong.asset_key == dg.AssetKey(["raw_erp", "sales_order_header"])
    assert "SalesOrderHeader has changed: it has no column freight" in str(wrong.description)
    assert deployment.query("select count(*) from raw_erp.sales_order_header") == [orders]
    changed = f"_modified_at >= '{days[-2]}'"
    assert deployment.query(f"select count(*) from raw_erp.sales_order_detail where {changed}") != [(0,)]

    write_evening(retailer, deployment, days[-1])
    deployment.run(days[-1])
    with closing(sqlite3.connect(deployment.erp)) as erp:
        expected = erp.execute('select count(*) from "SalesOrderHeader"').fetchall()
    assert (
        deployment.query("select count(distinct sales_order_id) from raw_erp.sales_order_header") == expected
    )
    assert deployment.query("select * from warehouse.fact_sales") != []


def test_a_missing_table_counts_as_empty(deploy, retailer):
    days = days_of(0, 12)
    deployment = deploy(sources="erp")
    write_evening(retailer, deployment, days[-1])
    with sqlite3.connect(deployment.erp) as erp:
        erp.execute('drop table "SalesReturn"')
    result = deployment.attempt(days[0], days[-1])
    assert result.success
    assert deployment.rows("warehouse.fact_sales_returns") == []
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert any("erp has no table Sales.SalesReturn" in str(check.description) for check in failed)
