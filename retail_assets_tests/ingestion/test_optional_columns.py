"""What a source does not have: null, with the cost told; what a table must have stops that table only."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets.quality.source_contract import costs
from retail_assets_tests.ingestion.company import Company
from retail_assets_tests.ingestion.tables import at, days, write

# The least that a web shop's lines are.
ITEM = {"id": 1, "order_id": 5, "created_at": "2024-01-02 10:00:00", "sale_price": "9.5"}


@dataclass(frozen=True)
class Shop:
    """Makes the web shop, from files or a database."""

    company: Callable[..., Company]
    place: Path
    is_files: bool

    @property
    def has(self):
        return "has" if self.is_files else "has changed: it has"

    def __call__(self, mapping=""):
        return self.company("webshop", self.place if self.is_files else f"sqlite:///{self.place}", mapping)

    def put(self, day, *rows):
        """Replace the order items."""
        if self.is_files:
            write(self.place / "order_items" / f"2024-01-0{day}.csv", rows)
            return
        with sqlite3.connect(self.place) as db:
            db.execute("drop table if exists order_items")
            db.execute(f"create table order_items ({', '.join(rows[0])})")
            marks = ", ".join("?" * len(rows[0]))
            db.executemany(f"insert into order_items values ({marks})", [tuple(row.values()) for row in rows])


@pytest.fixture(params=["files", "sql"])
def shop(request, company, tmp_path):
    if request.param == "sql":
        return Shop(company, tmp_path / "shop.sqlite", is_files=False)
    (tmp_path / "files").mkdir()
    return Shop(company, tmp_path / "files", is_files=True)


def _costs(company, table):
    extraction = company.run(days(9))
    described = next(each for each in extraction.source.tables if each.name == table)
    return costs(extraction.source, described, extraction.found)


def test_the_least_that_a_table_must_have_is_enough(shop):
    shop.put(2, ITEM)
    company = shop()
    assert company.run(days(2)).errors == {}
    assert company.rows("order_items", "id, sale_price, quantity, status, product_id, tax, shipped_at") == [
        (1, Decimal("9.5"), 1, "Complete", None, None, None)
    ]
    types = "select lower(typeof(tax)), lower(typeof(refunded_at)) from raw_webshop.order_items"
    assert company.query(types) == [("decimal(19,4)", "timestamp")]
    told = _costs(company, "order_items")
    assert "No product_id: items are no known product: there are no figures by product." in told
    assert "No quantity: every item is one piece." in told
    assert not any("sale_price" in sentence for sentence in told)


def test_what_a_source_does_not_have_makes_no_version(shop):
    """A contract that grows does not change the rows of sources that have nothing of what is new."""
    from dataclasses import replace

    shop.put(2, ITEM)
    company = shop()
    company.run(days(2))
    before = company.query("select _row_hash from raw_webshop.order_items")
    company.contract = [
        replace(table, columns=tuple(each for each in table.columns if each.name != "freight"))
        for table in company.contract
    ]
    company.query("drop table raw_webshop.order_items")
    company.run(days(2))
    assert company.query("select _row_hash from raw_webshop.order_items") == before


def test_what_a_table_must_have_stops_it_and_nothing_else(shop):
    shop.put(2, {name: value for name, value in ITEM.items() if name != "sale_price"})
    company = shop()
    extraction = company.run(days(2))
    assert not any(
        company.told(table.name) for table in extraction.source.tables if table.name != "order_items"
    )
    (said,) = company.told("order_items")
    assert "no column sale_price, which order_items must have" in said
    # On a first load nothing has changed.
    assert "changed" not in said
    assert (
        "Name the source's column under tables.order_items.columns in the mapping (RETAIL_WEBSHOP_MAPPING)"
        in said
    )


def test_a_column_that_was_there_stops_the_table(shop):
    shop.put(2, ITEM | {"tax": "1.9", "freight": None})
    company = shop()
    company.run(days(2))
    before = company.rows("order_items", "*")
    # What never said anything is not missed.
    shop.put(3, ITEM | {"id": 2, "created_at": "2024-01-03 10:00:00"})
    company.run(days(3))
    (said,) = company.told("order_items")
    assert f"{shop.has} no column tax any more" in said
    assert "not loaded" in said
    assert (
        "write `tax: null` under tables.order_items.columns in the mapping (RETAIL_WEBSHOP_MAPPING)" in said
    )
    assert company.rows("order_items", "*") == before
    # It is there again, or is known to be gone.
    shop.put(3, ITEM | {"id": 2, "created_at": "2024-01-03 10:00:00", "tax": "2"})
    company.run(days(3))
    assert company.told("order_items") == []
    shop.put(4, ITEM | {"id": 3, "created_at": "2024-01-04 10:00:00"})
    company = shop("tables: {order_items: {columns: {tax: null}}}")
    company.run(days(4))
    assert company.told("order_items") == []
    assert company.rows("order_items", "id, tax") == [(1, Decimal("1.9")), (2, 2), (3, None)]


def test_what_stands_in_for_a_missing_column_is_not_taken_for_it(shop):
    """Quantities were 1 because there was no column; that is none which could have vanished."""
    shop.put(2, ITEM)
    company = shop()
    company.run(days(2))
    shop.put(3, ITEM | {"id": 2, "created_at": "2024-01-03 10:00:00"})
    assert company.run(days(3)).errors == {}
    shop.put(4, ITEM | {"id": 3, "created_at": "2024-01-04 10:00:00", "quantity": "2.5"})
    assert company.run(days(4)).errors == {}
    shop.put(5, ITEM | {"id": 4, "created_at": "2024-01-05 10:00:00"})
    company.run(days(5))
    assert any("no column quantity any more" in said for said in company.told("order_items"))


def test_lines_without_a_time_of_change_come_with_their_orders(company, tmp_path):
    """The ERP's lines are read with orders that changed; a table without parent and time is read whole."""
    path = tmp_path / "erp.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript("""
            create table SalesOrderHeader (SalesOrderID integer, OrderDate text, ModifiedDate text);
            create table SalesOrderDetail (SalesOrderID integer, SalesOrderDetailID integer, LineTotal real);
            create table Product (ProductID integer, Name text);
            insert into SalesOrderHeader values
                (1, '2024-01-02 08:00:00', '2024-01-02 08:00:00'),
                (2, '2024-01-03 08:00:00', '2024-01-03 08:00:00');
            insert into SalesOrderDetail values (1, 1, 5), (1, 2, 6), (2, 3, 7);
            insert into Product values (1, 'Tea');
        """)
    erp = company("erp", f"sqlite:///{path}")
    extraction = erp.run(days(2))
    assert extraction.errors == {}
    assert erp.rows("sales_order_detail", "sales_order_detail_id, order_qty, line_total") == [
        (1, 1, 5),
        (2, 1, 6),
    ]
    with sqlite3.connect(path) as db:
        db.execute("delete from SalesOrderDetail where SalesOrderDetailID = 2")
        db.execute("update SalesOrderHeader set ModifiedDate = '2024-01-03 09:00:00'")
    erp.run(days(3))
    assert erp.rows("sales_order_detail", "sales_order_detail_id") == [(1,), (3,)]
    assert erp.rows("product", "product_id, name, _changed_at") == [(1, "Tea", at(2))]


def test_tables_that_few_have_are_not_missed(shop):
    shop.put(2, ITEM)
    company = shop()
    extraction = company.run(days(2))
    tables = {table.name: table for table in extraction.source.tables}
    assert tables["refunds"].is_optional
    assert costs(extraction.source, tables["refunds"], extraction.found) == [
        "Without refunds refunds are what the items say."
    ]
    company = shop("only: true\ntables: {order_items: {}}")
    extraction = company.run(days(3))
    assert costs(extraction.source, tables["users"], extraction.found) == [
        "The mapping leaves users out: the web shop's consumers are not known."
    ]
