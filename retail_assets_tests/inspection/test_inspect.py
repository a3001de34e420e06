"""What an inspection says beforehand, and that the first run does it."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from rich.console import Console

from retail_assets.errors import UserError
from retail_assets.inspection import raw_rows
from retail_assets.inspection.findings import Finding
from retail_assets.inspection.inspect import inspect_sources
from retail_assets.quality.row_account import QUARANTINED
from retail_assets_tests.conftest import new_deployment
from retail_assets_tests.ingestion.tables import table, write

FIRST, LAST = date(2024, 5, 1), date(2024, 5, 10)
MORNING = "2024-05-02 10:00:00"

ORDER = {"order_id": 1, "user_id": 10, "status": "Complete", "created_at": MORNING, "num_of_item": 1}
ITEM = {
    "id": 1,
    "order_id": 1,
    "user_id": 10,
    "product_id": 100,
    "sale_price": "9.50",
    "quantity": 1,
    "created_at": MORNING,
}
USER = {"id": 10, "email": "ada@example.org", "age": 40, "created_at": MORNING}

ORDERS = [
    ORDER,
    ORDER | {"order_id": 2, "user_id": None},
    ORDER | {"order_id": 3, "user_id": 99},
    ORDER | {"order_id": 4, "status": "Lay-by"},
    ORDER | {"order_id": 5, "created_at": "soon"},
    ORDER | {"order_id": 6, "num_of_item": -1},
    ORDER | {"order_id": 7, "status": "Shipped"},
    ORDER | {"order_id": 7, "status": "Complete"},
    ORDER | {"order_id": 8, "created_at": "2024-05-11 00:00:00"},
    ORDER | {"order_id": 9, "created_at": "2024-04-01 12:00:00"},
]
ITEMS = [
    ITEM,
    ITEM | {"id": 2, "product_id": None, "sale_price": "4.25"},
    ITEM | {"id": 3, "order_id": 2, "sale_price": "dear"},
    ITEM | {"id": 4, "order_id": 2, "sale_price": None},
    ITEM | {"id": 5, "order_id": None, "sale_price": "7.75", "quantity": 2},
    ITEM | {"id": 6, "order_id": 2, "product_id": 777, "sale_price": "5"},
    ITEM | {"id": 7, "order_id": 77, "sale_price": "3.50", "quantity": 2},
]
USERS = [USER, USER | {"id": 11, "email": "ben@example.org", "age": 130}]


def night_events(number=400):
    """Visits of a shop whose customers are up from 20:00 to 8:00."""
    hours = [(20 + each % 12) % 24 for each in range(number)]
    return [
        {
            "id": each,
            "session_id": "s",
            "event_type": "home",
            "created_at": f"2024-05-0{1 + each % 9} {hour:02}:30:00",
        }
        for each, hour in enumerate(hours)
    ]


@pytest.fixture(scope="module")
def webshop(tmp_path_factory, parsed_project):
    folder = tmp_path_factory.mktemp("webshop")
    shop = folder / "shop"
    write(shop / "orders.csv", ORDERS)
    write(shop / "order_items.csv", ITEMS)
    write(shop / "users.csv", USERS)
    write(shop / "products.csv", [{"id": 100, "name": "Tea", "cost": 3}])
    write(shop / "events.csv", night_events())
    return new_deployment(
        folder / "home",
        parsed_project,
        sources="webshop",
        webshop_url=str(shop),
        start_date=FIRST,
        end_date=LAST,
    )


HEADERS = [
    # Its number, status, customer, territory, total due, when it changed.
    (1, "5", 7, 3, "100.00", MORNING),
    (2, "teleported", 7, 3, "80.25", MORNING),
    (3, "teleported", 7, 3, "19.75", MORNING),
    (4, "5", None, 3, "10.00", MORNING),
    (5, "5", 7, None, "20.00", MORNING),
    (6, "5", 7, 3, "30.00", None),
    (7, "5", 7, 3, "40.00", "9999-12-31 00:00:00"),
    (8, "5", 7, 3, "50.00", "2024-05-20 10:00:00"),
]
LINES = [
    # Order, line, product, pieces, discount, total.
    (1, 1, 50, 2, 0, "60.000000"),
    (1, 2, 50, 1, "1.5", "40.000000"),
    (2, 3, None, 1, 0, "80.250000"),
    (4, 4, 50, 0, 0, "10.000000"),
    (5, 5, 51, 1, 0, "20.000000"),
    (5, 6, 50, 1, 0, "much"),
]


@pytest.fixture(scope="module")
def erp(tmp_path_factory, parsed_project):
    folder = tmp_path_factory.mktemp("erp")
    file = folder / "erp.sqlite"
    soon = datetime.now(UTC) + timedelta(hours=5)
    headers = [*HEADERS, (9, "5", 7, 3, "60.00", f"{soon:%Y-%m-%d %H:%M:%S}")]
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("""
            create table SalesOrderHeader (SalesOrderID, OrderDate, Status, CustomerID, TerritoryID,
                SubTotal, TotalDue, ModifiedDate);
            create table SalesOrderDetail (SalesOrderID, SalesOrderDetailID, ProductID, OrderQty,
                UnitPriceDiscount, LineTotal);
            create table Product (ProductID, Name, ProductNumber, ModifiedDate);
            insert into Product values (50, 'Pot', 'P-50', '2024-01-01');
        """)
        connection.executemany(
            "insert into SalesOrderHeader values (?1, '2024-05-02', ?2, ?3, ?4, ?5, ?5, ?6)", headers
        )
        connection.executemany("insert into SalesOrderDetail values (?, ?, ?, ?, ?, ?)", LINES)
        connection.commit()
    return new_deployment(
        folder / "home",
        parsed_project,
        sources="erp",
        erp_url=f"sqlite:///{file}",
        start_date=FIRST,
        end_date=LAST,
    )


def inspected(deployment, **options):
    """The findings of a deployment's one system, by table and kind."""
    return inspect_sources(deployment.settings, [], options.get("days"), Console(quiet=True))


@pytest.fixture(scope="module")
def of_webshop(webshop):
    return inspected(webshop)


@pytest.fixture(scope="module")
def of_erp(erp):
    return inspected(erp)


def found(inspection, name, kind) -> list[Finding]:
    (system,) = inspection.systems
    assert system.error == ""
    (each,) = [table for table in system.tables if table.name == name]
    return [finding for finding in each.findings if finding.kind == kind]


def only(inspection, name, kind) -> Finding:
    (finding,) = found(inspection, name, kind)
    return finding


def test_rows_and_columns_of_each_table(of_webshop):
    (system,) = of_webshop.systems
    rows = {table.name: table.rows for table in system.tables}
    # Order 8 lies after the last day, and is not read.
    assert rows["orders"] == len(ORDERS) - 1
    assert rows["order_items"] == len(ITEMS)
    assert rows["users"] == 2
    orders = next(table for table in system.tables if table.name == "orders")
    assert orders.columns == ["order_id", "user_id", "status", "created_at", "num_of_item"]
    assert {"tax", "freight", "modified_at"} < {*orders.missing}
    missing = next(each for each in found(of_webshop, "orders", "column") if each.column == "tax")
    assert (missing.level, missing.sentence) == ("note", "no tax: tax is what the items say, or empty.")
    refunds = next(table for table in system.tables if table.name == "refunds")
    assert (refunds.verdict, refunds.place) == ("not there", None)
    # What needs a look comes first.
    order = [table.name for table in system.worst_first]
    assert order[0] == "orders"
    assert order.index("users") < order.index("products") < order.index("refunds")


def test_a_value_that_does_not_fit_its_type(of_webshop, of_erp):
    date_ = only(of_webshop, "orders", "refused")
    assert (date_.level, date_.column, date_.value, date_.row) == ("loss", "created_at", "soon", "order_id=5")
    price = only(of_webshop, "order_items", "refused")
    assert (price.column, price.value, price.row, price.rows) == ("sale_price", "dear", "id=3", 1)
    total = only(of_erp, "sales_order_detail", "refused")
    assert (total.column, total.value) == ("line_total", "much")
    assert "line_total is no decimal(38,6)" in total.sentence


def test_statuses_that_are_not_known(of_webshop, of_erp):
    status = only(of_webshop, "orders", "status")
    assert (status.level, status.value, status.rows, status.amount) == ("loss", "Lay-by", 1, None)
    status = only(of_erp, "sales_order_header", "status")
    assert (status.value, status.rows, status.amount) == ("teleported", 2, Decimal("100.00"))


def test_what_goes_to_quarantine_with_its_amount(of_webshop, of_erp):
    held = {each.reason: (each.rows, each.amount) for each in found(of_webshop, "order_items", "quarantine")}
    assert held == {
        "the sale price is missing": (1, None),
        "the item names no order": (1, Decimal("15.5")),
    }
    assert only(of_webshop, "users", "quarantine").reason == "the age is below 0 or above 120"
    assert only(of_webshop, "orders", "quarantine").row == "order_id=6"
    amounts = {each.reason: each.amount for each in found(of_erp, "sales_order_detail", "quarantine")}
    assert amounts == {
        "the discount is no share between 0 and 1": Decimal(40),
        "the quantity is missing or 0": Decimal(10),
    }


def test_keys_that_come_twice(of_webshop):
    twice = only(of_webshop, "orders", "duplicate")
    assert (twice.level, twice.rows, twice.row) == ("loss", 1, "order_id=7")


def test_sales_without_customer_product_territory(of_webshop, of_erp):
    assert only(of_webshop, "orders", "unnamed").rows == 1
    product = only(of_webshop, "order_items", "unnamed")
    assert (product.level, product.column, product.amount) == ("look", "product_id", Decimal("4.25"))
    missing = {
        each.column: (each.rows, each.amount) for each in found(of_erp, "sales_order_header", "unnamed")
    }
    assert missing == {"customer_id": (1, Decimal(10)), "territory_id": (1, Decimal(20))}
    assert only(of_erp, "sales_order_detail", "unnamed").amount == Decimal("80.25")


def test_references_to_what_is_not_there(of_webshop, of_erp):
    assert only(of_webshop, "orders", "unmatched").value == "99"
    product = only(of_webshop, "order_items", "unmatched")
    assert (product.column, product.value, product.amount) == ("product_id", "777", Decimal(5))
    assert only(of_erp, "sales_order_detail", "unmatched").value == "51"


def test_lines_without_an_order_and_orders_without_a_line(of_webshop, of_erp):
    line = only(of_webshop, "order_items", "half")
    assert (line.level, line.rows, line.amount) == ("loss", 1, Decimal(7))
    assert line.sentence == (
        "1 line, 7.00, of an order that is not there, such as order_id=77: no sales until the order comes."
    )
    order = only(of_webshop, "orders", "half")
    assert (order.level, order.amount) == ("look", None)
    header = only(of_erp, "sales_order_header", "half")
    assert header.sentence == (
        "4 orders, 99.75, without a line, such as sales_order_id=3: no sales until the lines come."
    )


def test_times_in_no_partition_or_that_cannot_be(of_webshop, of_erp):
    outside = only(of_webshop, "orders", "outside")
    assert (outside.level, outside.rows) == ("loss", 1)
    assert "after RETAIL_END_DATE" in outside.sentence
    early = only(of_webshop, "orders", "early")
    assert (early.level, early.rows) == ("note", 1)
    assert "RETAIL_START_DATE (2024-05-01), the first 2024-04-01" in early.sentence
    # That of 20 May, and the one of soon.
    assert only(of_erp, "sales_order_header", "outside").rows == 2
    assert only(of_erp, "sales_order_header", "timeless").row == "sales_order_id=6"
    assert "9999-12-31" in only(of_erp, "sales_order_header", "unbelievable").sentence


def test_times_that_look_like_another_zone(of_webshop, of_erp):
    ahead = only(of_erp, "sales_order_header", "clock")
    assert (ahead.level, ahead.rows) == ("look", 1)
    assert "in the 24 hours after now, and 0 in the 24 hours before" in ahead.sentence
    assert "than UTC, as RETAIL_ERP_TIMEZONE has it" in ahead.sentence
    night = only(of_webshop, "events", "clock")
    assert "created_at lies between 8:00 and 14:00 for 0.0% of 400 rows" in night.sentence


@pytest.mark.parametrize(
    ("hours", "number", "is_told"),
    [
        # Open by day, by night, all around the clock, at midnight (days without a time), and hardly any.
        (range(9, 21), 400, False),
        ([*range(20, 24), *range(1, 8)], 400, True),
        (range(1, 24), 400, False),
        ([0], 400, False),
        (range(1, 5), 50, False),
    ],
)
def test_a_shop_is_expected_to_sleep_at_night(hours, number, is_told):
    visits = table("visits", {"id": "bigint", "happened_at": "timestamp"})
    visits = replace(visits, columns=(visits.columns[0], replace(visits.columns[1], is_time=True)))
    with duckdb.connect() as connection:
        connection.execute("create schema raw_webshop")
        connection.execute(
            "create table raw_webshop.visits as select row_number() over () as id,"
            " timestamp '2024-05-02' + to_hours(hour) as happened_at, null::timestamp as _deleted_at,"
            " null::timestamp as _modified_at, now()::timestamp as _loaded_at, 1 as _row_hash"
            " from (select cast(unnest($1) as int) as hour)",
            [[list(hours)[each % len(hours)] for each in range(number)]],
        )
        silent: Any = SimpleNamespace(count_by_day=lambda *_: None)
        told = list(
            raw_rows.clock(
                silent,
                visits,
                "UTC",
                "UTC",
                datetime.now(UTC),
                lambda sql: connection.execute(sql).fetchall(),
            )
        )
    assert bool(told) is is_told


@pytest.mark.parametrize("system", ["webshop", "erp"])
def test_the_first_run_does_what_was_announced(system, request):
    deployment = request.getfixturevalue(system)
    inspection = request.getfixturevalue(f"of_{system}")
    losses = [(name, each) for name, each in inspection.losses]
    # It fails in the end, since it refuses rows.
    result = deployment.attempt(FIRST, LAST)
    (record,) = {
        repr(event.materialization.metadata[QUARANTINED].records): event
        for event in result.get_asset_materialization_events()
        if QUARANTINED in (event.materialization.metadata or {})
    }.values()
    held = [each.data for each in record.materialization.metadata[QUARANTINED].records]
    assert Counter(
        (each["table"], each["reason"], each["rows"], Decimal(each["amount"]) if each["amount"] else None)
        for each in held
    ) == Counter(
        (name, each.reason, each.rows, each.amount) for name, each in losses if each.kind == "quarantine"
    )
    in_quarantine = deployment.query("select count(*) from staging.quarantine where not is_refused")
    assert in_quarantine == [(sum(each["rows"] for each in held),)]
    refused = deployment.query(f"""
        select '{system}.' || table_name, reason, count(*), sum(amount) from raw_{system}._refused_rows
        where _deleted_at is null group by 1, 2
    """)
    assert dict.fromkeys(refused, 1) == {
        (name, each.reason, each.rows, each.amount): 1
        for name, each in losses
        if each.kind in ("refused", "duplicate")
    }


def test_some_days_only(webshop):
    inspection = inspected(webshop, days=(FIRST, FIRST))
    later = only(inspection, "orders", "later")
    assert (later.level, later.rows) == ("note", 8)
    assert found(inspection, "orders", "quarantine") == []
    with pytest.raises(UserError, match="not within the partitions, which are 2024-05-01 to 2024-05-10"):
        inspected(webshop, days=(FIRST, date(2024, 5, 11)))


def test_a_system_that_cannot_be_asked(webshop):
    with pytest.raises(UserError, match="There is no system websop; did you mean `webshop`"):
        inspect_sources(webshop.settings, ["websop"], None, Console(quiet=True))
    with pytest.raises(UserError, match="crm is not ingested"):
        inspect_sources(webshop.settings, ["crm"], None, Console(quiet=True))


def run(deployment, *options):
    """The command as a user runs it, in 80 columns."""
    (system,) = deployment.settings.systems
    return subprocess.run(
        [sys.executable, "-m", "retail_assets.cli", "inspect", *options],
        env=deployment.environment
        | {"COLUMNS": "80", f"RETAIL_{system.upper()}_URL": deployment.settings.source_url(system)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_command_writes_nothing_and_its_status_tells(webshop, of_webshop, parsed_project, tmp_path):
    before = files(webshop.settings.home.parent)
    inspection = run(webshop)
    assert inspection.returncode == 1, inspection.stderr
    assert files(webshop.settings.home.parent) == before
    assert max(map(len, inspection.stdout.splitlines())) <= 80
    assert "webshop: started" in inspection.stderr
    assert "Something would be lost by a first run of 2024-05-01 to 2024-05-10" in inspection.stdout
    assert "  4 rows in quarantine" in inspection.stdout
    as_json = run(webshop, "--json")
    assert as_json.returncode == 1
    said = json.loads(as_json.stdout)
    assert said == json.loads(json.dumps(of_webshop.as_json()))

    write(tmp_path / "shop" / "users.csv", [USER])
    good = new_deployment(
        tmp_path / "home",
        parsed_project,
        sources="webshop",
        webshop_url=str(tmp_path / "shop"),
        start_date=FIRST,
        end_date=LAST,
    )
    inspection = run(good)
    assert inspection.returncode == 0, inspection.stdout
    assert "Nothing would be lost" in inspection.stdout
    assert "  users  1 row   OK" in inspection.stdout


def test_a_source_that_cannot_be_reached(tmp_path, parsed_project):
    gone = new_deployment(
        tmp_path / "home", parsed_project, sources="erp", erp_url=f"sqlite:///{tmp_path}/gone.sqlite"
    )
    inspection = run(gone)
    assert inspection.returncode == 1
    assert "all of erp" in inspection.stdout
    assert "Traceback" not in inspection.stderr
