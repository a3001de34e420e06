"""A database of a company's own, through a mapping."""

import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets_tests.ingestion.tables import at, days

COLUMNS = "order_id, user_id, status, created_at"


@dataclass(frozen=True)
class Database:
    """Runs a script in the company's database."""

    path: Path

    @property
    def url(self):
        return f"sqlite:///{self.path}"

    def __call__(self, script):
        with sqlite3.connect(self.path) as connection:
            connection.executescript(script)


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "till.sqlite")
    database("create table unrelated (x)")
    return database


def test_a_table_of_another_name_and_other_columns(company, database):
    database("""
        create table "Order Head" (Nr integer, Buyer integer, "State" text, "Placed On" text, changed text);
        insert into "Order Head" values
            (1, 7, 'Paid ', '2024-01-02 09:00:00', '2024-01-02 10:00:00'),
            (2, null, 'odd', '2024-01-02 09:30:00', '2024-01-03 10:00:00');
        """)
    shop = company("webshop", database.url, """
        tables:
          orders:
            from: order head
            key: nr
            modified: changed
            columns: {user_id: Buyer, created_at: placed on, status: state}
            values: {status: {paid: Complete}}
        """)  # fmt: skip
    extraction = shop.run(days(2), "orders")
    assert extraction.errors == {}
    assert shop.rows("orders", COLUMNS) == [(1, 7, "Complete", at(2, 9))]
    shop.run(days(3), "orders")
    # A word that the mapping does not know stays; the time of change is the mapping's.
    assert shop.rows("orders", f"{COLUMNS}, _modified_at") == [
        (1, 7, "Complete", at(2, 9), at(2, 10)),
        (2, None, "odd", at(2, 9, 30), at(3, 10)),
    ]


def test_two_names_of_one_column_are_refused(company, database):
    database("""
        create table orders (Order_ID integer, OrderID integer, created_at text);
        insert into orders values (5, 6, '2024-01-02 09:00:00');
        """)
    said = company("webshop", database.url).run(days(2), "orders").errors["orders"]
    assert "Order_ID and OrderID, and each of them may be order_id. Write " in said
    chosen = company("webshop", database.url, "tables: {orders: {columns: {order_id: OrderID}}}")
    assert chosen.run(days(2), "orders").errors == {}
    assert chosen.rows("orders", "order_id") == [(6,)]


def test_a_query_with_lines_that_have_no_number(company, database):
    """Keys of several columns, a line's place in its order, and a window over computed rows."""
    database("""
        create table receipts (shop text, number integer, at text, article text, pieces real, price real);
        insert into receipts values
            ('N', 1, '2024-01-02 09:00:00', 'tea', 2, 3.5), ('N', 1, '2024-01-02 09:00:00', 'tea', 2, 3.5),
            ('S', 1, '2024-01-02 11:00:00', 'cup', 1, 8), ('S', 2, '2024-01-03 11:00:00', 'tea', 0.25, 3.5);
        """)
    shop = company("webshop", database.url, """
        only: true
        tables:
          orders:
            select: select shop, number, at as created_at from receipts group by shop, number, at
            key: [shop, number]
          order_items:
            select: |
              select r.*, row_number() over (partition by shop, number order by rowid) as line from receipts r
            key: [shop, number, line]
            columns: {order_id: {hash: [shop, number]}, created_at: at, quantity: pieces, sale_price: price}
        """)  # fmt: skip
    assert shop.run(days(2)).errors == {}
    items = "quantity, sale_price, status"
    assert shop.rows("order_items", items) == [
        (1, 8, "Complete"), (2, Decimal("3.5"), "Complete"), (2, Decimal("3.5"), "Complete")
    ]  # fmt: skip
    shop.run(days(3))
    lines = """
        select o.created_at, count(*), count(distinct id), sum(quantity * sale_price)
        from raw_webshop.order_items i join raw_webshop.orders o using (order_id) group by all order by all
    """
    assert shop.query(lines) == [
        (at(2, 9), 2, 2, 14),
        (at(2, 11), 1, 1, 8),
        (at(3, 11), 1, 1, Decimal("0.875")),
    ]
    before = shop.query("select id, order_id from raw_webshop.order_items order by all")
    # The same rows have the same keys on every day, in whatever window.
    shop.query("drop table raw_webshop.order_items")
    shop.run(days(1, 5))
    assert shop.query("select id, order_id from raw_webshop.order_items order by all") == before


def test_without_a_time_of_change_the_table_is_read_whole(company, database):
    """Versions are kept, deletions seen; what happens later counts on its own day, in any order of days."""
    database("""
        create table sales (id integer, day text, state text);
        insert into sales values (1, '2024-01-02', 'new'), (2, '2024-01-03', 'new'), (3, '2024-01-05', 'new');
        """)
    mapping = """
        tables:
          orders: {from: sales, key: id, modified: none, columns: {created_at: day, status: state}}
        """
    shop = company("webshop", database.url, mapping)
    shop.run(days(2), "orders")
    changed = "select order_id, status, _changed_at from raw_webshop.orders order by all"
    assert shop.query(changed) == [(1, "new", at(2)), (2, "new", at(3)), (3, "new", at(5))]
    database("update sales set state = 'paid' where id = 1; delete from sales where id = 2;")
    shop.run(days(4), "orders")
    assert shop.query(changed) == [
        (1, "new", at(2)),
        (1, "paid", at(4)),
        (2, "new", at(3)),
        (3, "new", at(5)),
    ]
    assert shop.rows("orders", "order_id, status") == [(1, "paid"), (3, "new")]
    # A time that is later than the reading is no time of anything: the row counts now.
    database("insert into sales values (4, '2099-12-31', 'new')")
    shop.run(days(4), "orders")
    assert shop.query("select _changed_at from raw_webshop.orders where order_id = 4") == [(at(4),)]


def test_a_table_without_times_at_all(company, database):
    """Not even a mapping is needed to say so."""
    database("create table products (id integer, name text, retail_price real)")
    database("insert into products values (1, 'Tea', 3.5), (2, 'Cup', 8)")
    shop = company("webshop", database.url)
    shop.run(days(2), "products")
    database("delete from products where id = 2")
    shop.run(days(3), "products")
    assert shop.rows("products", "id, name") == [(1, "Tea")]
    assert shop.deleted == {"products": 1}


def test_times_of_another_zone(company, database):
    database("""
        create table orders (order_id integer, created_at text, modified_at text);
        insert into orders values
            (1, '2024-01-02 00:30:00', '2024-01-02 00:30:00'),
            (2, '2024-01-02 01:30:00', '2024-01-02 01:30:00'),
            (3, '2024-01-03 00:30:00', '2024-01-03 00:30:00'),
            (4, '2024-07-01 12:00:00', '2024-01-02 12:00:00');
        """)
    shop = company(
        "webshop", database.url, "timezone: Europe/Berlin\ntables: {orders: {modified: modified_at}}"
    )
    shop.run(days(2), "orders")
    # In winter one hour before UTC, in summer two.
    assert shop.rows("orders", "order_id, created_at::varchar, _modified_at") == [
        (2, "2024-01-02 00:30:00", at(2, 0, 30)),
        (3, "2024-01-02 23:30:00", at(2, 23, 30)),
        (4, "2024-07-01 10:00:00", at(2, 11)),
    ]


def test_constants_stand_in_for_what_is_not_there(company, database):
    database("""
        create table orders (order_id integer, created_at text, status text);
        insert into orders values 
            (1, '2024-01-02 08:00:00', null), (2, '2024-01-02 08:00:00', ''),
            (3, '2024-01-02 08:00:00', 'odd');
        """)
    mapping = "tables: {orders: {defaults: {status: Processing, currency: EUR}}}"
    shop = company("webshop", database.url, mapping)
    shop.run(days(2), "orders")
    assert shop.rows("orders", "order_id, status, currency") == [
        (1, "Processing", "EUR"), (2, "Processing", "EUR"), (3, "odd", "EUR")
    ]  # fmt: skip
    # They are no columns that could be lost.
    assert shop.run(days(3), "orders").errors == {}


def test_a_view_is_a_table(company, database):
    database("""
        create table t (n integer, at text);
        create view ORDERS as select n as orderid, at as "Created At" from t;
        insert into t values (5, '2024-01-02 00:00:00');
        """)
    shop = company("webshop", database.url)
    shop.run(days(2), "orders")
    assert shop.rows("orders", "order_id, created_at") == [(5, at(2))]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("columns: {created_at: placd}", "tables.orders.columns.created_at: no such column: placd"),
        ("columns: {created_at: date(placed, }", "tables.orders.columns.created_at: "),
        (
            "columns: {status: null}, modified: chnged",
            "tables.orders.columns.modified_at: no such column: chnged",
        ),
        ("key: [order_id, shp]", "tables.orders.columns.order_id: no such column: shp"),
        ("select: select * from ordrs", "tables.orders.select: no such table: ordrs"),
        ("select: delete from orders", "tables.orders.select: "),
        (
            "select: 'select *, placed as Order_ID from orders'",
            "tables.orders.select: it gives the column order_id twice",
        ),
        (
            "values: {currency: {e: EUR}}",
            "tables.orders.values.currency: there is no such column; name it under",
        ),
    ],
)
def test_a_mapping_that_the_database_does_not_understand(company, database, said, sentence):
    """It is said before anything is read, and stops its own table only."""
    database("create table orders (order_id integer, placed text, created_at text)")
    database("create table products (id integer)")
    shop = company("webshop", database.url, f"tables: {{orders: {{{said}}}}}")
    extraction = shop.run(days(2))
    assert set(extraction.errors) == {"orders"}
    assert f"{shop.file}: {sentence}" in extraction.errors["orders"]
    assert "\n" not in extraction.errors["orders"]


def test_percent_signs_and_colons_are_the_querys(company, database):
    database("create table t (id integer, at text, note text)")
    database("insert into t values (1, '2024-01-02 08:00:00', ':x 5% off'), (2, null, 'none')")
    query = "select id, at as created_at from t where note like ':x%' and note <> 'a:b'"
    shop = company("webshop", database.url, f'tables: {{orders: {{select: "{query}", key: id}}}}')
    shop.run(days(2), "orders")
    assert shop.rows("orders", "order_id") == [(1,)]


def test_a_table_that_the_mapping_names_and_that_is_not_there(company, database):
    shop = company("webshop", database.url, "only: true\ntables: {orders: {from: sales}}")
    extraction = shop.run(days(2))
    assert extraction.found == {}
    (orders,) = [each for each in extraction.source.tables if each.name == "orders"]
    assert extraction.source.absence(orders) == (
        f"webshop has no table sales (tables.orders.from in {shop.file}): it counts as empty."
    )


@pytest.mark.parametrize("number", ["1", "'R-1'", "'007'"])
def test_lines_come_with_their_order_whatever_its_key_is(company, database, number):
    """One text among a system's keys makes all of them text, those of orders too."""
    database(f"""
        create table wares (sku, label);
        insert into wares values ('TEA-1', 'Tea');
        create table slips (no, at, sent);
        insert into slips values ({number}, '2024-01-02 09:00:00', '2024-01-03 08:00:00');
        create table slip_lines (no, place, sku, price);
        insert into slip_lines values ({number}, 1, 'TEA-1', 4), ({number}, 2, 'TEA-1', 5);
        """)
    shop = company("webshop", database.url, """
        only: true
        tables:
          products: {from: wares, columns: {id: sku, name: label}}
          orders: {from: slips, columns: {order_id: no, created_at: at, shipped_at: sent}}
          order_items:
            select: select slip_lines.*, at from slip_lines join slips using (no)
            key: [no, place]
            columns: {order_id: no, product_id: sku, sale_price: price, created_at: at}
        """)  # fmt: skip
    assert shop.run(days(3)).errors == {}
    items = shop.rows("order_items", "order_id, product_id, sale_price")
    assert items == [(number.strip("'"), "TEA-1", Decimal(price)) for price in (4, 5)]
