"""Keys that are numbers, and keys that are not."""

import sqlite3
from decimal import Decimal

import duckdb
import pytest

from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.key_values import is_number
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.company import Shop
from retail_assets_tests.ingestion.tables import at, days, write


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        *(("17", True), ("0", True), ("-4", True), ("17.0", True), (" 17 ", True), ("1e3", True)),
        *(("9223372036854775807", True), ("9223372036854775808", False), ("1.5e0", False), ("1.5", False)),
        *(("0017", False), ("#1001", False), ("A-17", False), ("+4", False), ("1_000", False)),
        ("00000000-0000-0000-0000-000000000001", False),
    ],
)  # fmt: skip
def test_what_a_number_is(value, is_one):
    assert duckdb.execute(f"select {is_number('v')} from (select ? as v)", [value]).fetchall() == [(is_one,)]


def test_numbers_of_other_types():
    numbers = "select unnest([17::double, 1e15::double, 3::decimal(9, 0)])"
    assert duckdb.execute(f"select bool_and({is_number('v')}) from ({numbers}) as t(v)").fetchall() == [
        (True,)
    ]


def _order(number, user=""):
    return {"order_id": number, "user_id": user, "created_at": "2024-01-02 10:00:00"}


def _types(company):
    return dict(
        company.query("""
            select column_name, lower(data_type) from duckdb_columns()
            where schema_name = 'raw_webshop' and table_name = 'orders' and column_name like '%_id'
        """)
    )


@pytest.fixture
def shop(company, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    return Shop(company, folder)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_one_text_key_makes_all_keys_of_the_system_text(shop, suffix):
    """Numbers that some files write with a point stay the same key; an empty key refers to nothing."""
    write(shop.folder / f"orders.{suffix}", [_order("A-17", "7.0"), _order("18", ""), _order("0019", "7")])
    write(shop.folder / f"users.{suffix}", [{"id": "7"}])
    company = shop()
    assert company.run(days(2)).errors == {}
    assert _types(company) == {"order_id": "varchar", "user_id": "varchar"}
    assert company.rows("orders", "order_id, user_id") == [("0019", "7"), ("18", None), ("A-17", "7")]
    assert company.rows("users", "id") == [("7",)]
    # What is text is not looked at again, and stays.
    write(shop.folder / "orders.csv", [_order("20", "8")])
    company.run(days(3))
    assert company.rows("orders", "order_id")[2:3] == [("20",)]


def test_numbers_are_numbers(shop):
    write(shop.folder / "orders.csv", [_order("17.0", "7"), _order(" 18", "")])
    company = shop()
    company.run(days(2))
    assert _types(company) == {"order_id": "bigint", "user_id": "bigint"}
    assert company.rows("orders", "order_id, user_id") == [(17, 7), (18, None)]


@pytest.mark.parametrize("word", ["NULL", "null", r"\N", "N/A", "none", " NaN ", "#N/A"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_word_for_no_value_is_no_key(shop, word, suffix):
    """A guest's customer does not make keys text, and is nobody where they are."""
    write(shop.folder / f"orders.{suffix}", [_order("41", word), _order("42", "7")])
    company = shop()
    company.run(days(2))
    assert _types(company) == {"order_id": "bigint", "user_id": "bigint"}
    assert company.rows("orders", "order_id, user_id") == [(41, None), (42, 7)]
    assert company.refused == []


def test_a_word_for_no_value_among_text_keys(shop):
    write(shop.folder / "orders.csv", [_order("W-1", "NULL"), _order("W-2", "K-7"), _order("N/A", "K-7")])
    company = shop()
    company.run(days(2))
    assert company.rows("orders", "order_id, user_id") == [("W-1", None), ("W-2", "K-7")]
    (refused,) = company.query("select column_name, reason from raw_webshop._refused_rows")
    assert refused == ("order_id", "order_id is empty, and is the row's key")


def test_every_kind_of_database_column(company, tmp_path):
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as db:
        # SQLite's values have types of their own, whatever the column's is.
        db.execute("create table orders (order_id integer, user_id, created_at text)")
        rows = "(1, '7', '2024-01-02 10:00:00'), (2, 12345678.0, '2024-01-02 10:00:00')"
        db.execute(f"insert into orders values {rows}")
    taken = company("webshop", f"sqlite:///{path}")
    taken.run(days(2))
    assert taken.rows("orders", "order_id, user_id") == [(1, 7), (2, 12345678)]
    taken.query("drop schema raw_webshop cascade")
    with sqlite3.connect(path) as db:
        db.execute("insert into orders values (3, 'NULL', '2024-01-02 10:30:00')")
    taken = company("webshop", f"sqlite:///{path}")
    taken.run(days(2))
    assert taken.rows("orders", "order_id, user_id") == [(1, 7), (2, 12345678), (3, None)]
    taken.query("drop schema raw_webshop cascade")
    with sqlite3.connect(path) as db:
        db.execute("insert into orders values ('b7f1', 9, '2024-01-02 11:00:00')")
    taken = company("webshop", f"sqlite:///{path}")
    taken.run(days(2))
    assert taken.rows("orders", "order_id, user_id") == [
        ("1", "7"),
        ("2", "12345678"),
        ("3", None),
        ("b7f1", "9"),
    ]


def test_a_system_whose_tables_are_there_and_empty_is_as_new(shop):
    write(shop.folder / "other.csv", [{"x": 1}])
    company = shop()
    company.run(days(1))
    assert _types(company) == {"order_id": "bigint", "user_id": "bigint"}
    write(shop.folder / "orders.csv", [_order("A-17")])
    company.run(days(2))
    assert company.rows("orders", "order_id") == [("A-17",)]


def test_a_text_key_that_comes_later(shop):
    """It is refused with a sentence that says how to switch; then nothing is lost, and versions stay."""
    write(shop.folder / "orders" / "2024-01-02.csv", [_order(17, 7)])
    company = shop()
    company.run(days(2))
    write(shop.folder / "orders" / "2024-01-03.csv", [_order("A-18", 8)])
    company.run(days(3))
    ((key, problem),) = company.refused
    assert key == "order_id=A-18"
    assert problem.startswith("order_id is no number")
    assert "the keys of webshop are numbers so far" in problem
    assert "write `keys: text` in its mapping (RETAIL_WEBSHOP_MAPPING)" in problem
    assert "`retail-assets backfill --full-refresh`" in problem
    assert company.rows("orders", "order_id") == [(17,)]
    version = "select _row_hash, _changed_at from raw_webshop.orders where order_id = '17'"
    before = company.query(version)

    company = shop("keys: text")
    assert company.run(days(3)).errors == {}
    assert company.rows("orders", "order_id, user_id") == [("17", "7"), ("A-18", "8")]
    assert company.refused == []
    assert company.query(version) == before
    # A row that is read again is the version that is there.
    company.query("delete from raw_webshop._drops")
    company.run(days(2, 3))
    assert company.query("select count(*) from raw_webshop.orders") == [(2,)]
    # Without the mapping raw's columns say it.
    shop().run(days(3))
    assert len(_types(company)) == 2
    assert set(_types(company).values()) == {"varchar"}


@fault(Area.INGESTION, "Memory runs out while a system's keys become text", "The next run completes it.")
def test_a_crash_while_keys_become_text_is_mended_by_the_next_run(shop, monkeypatch):
    from retail_assets.ingestion import keys

    write(shop.folder / "orders.csv", [_order(17, 7)])
    write(shop.folder / "users.csv", [{"id": 7}])
    shop().run(days(2))
    rewrite = keys._rewrite

    def failing(table, *rest):
        if table.name == "users":
            raise MemoryError
        rewrite(table, *rest)

    monkeypatch.setattr(keys, "_rewrite", failing)
    with pytest.raises(MemoryError):
        shop("keys: text").run(days(3))
    monkeypatch.undo()
    company = shop()
    company.run(days(3))
    assert company.rows("orders", "order_id") == [("17",)]
    assert company.rows("users", "id") == [("7",)]


@fault(
    Area.INGESTION,
    "The process is killed between the copy of a table and the table",
    "The copy counts; no row is lost.",
)
def test_a_warehouse_that_takes_nothing_back_loses_nothing(shop):
    """Killed between the copy of a table and the table: what it was is still there, and counts."""
    write(shop.folder / "orders.csv", [_order(17, 7)])
    company = shop()
    company.run(days(2))
    company.query("create table raw_webshop.orders_before as from raw_webshop.orders")
    company.query("drop table raw_webshop.orders")
    company = shop("keys: text")
    company.run(days(3))
    assert company.rows("orders", "order_id, user_id") == [("17", "7")]
    tables = "select table_name from duckdb_tables() where table_name like '%before'"
    assert company.query(tables) == []


def test_text_does_not_become_numbers_again(shop):
    write(shop.folder / "orders.csv", [_order("A-17")])
    company = shop()
    company.run(days(2))
    before = company.rows("orders", "*")
    with pytest.raises(
        SourceError, match=r"webshop\.yml: keys: number, but raw has keys of webshop that are text"
    ):
        shop("keys: number").run(days(3))
    assert company.rows("orders", "*") == before


def test_numbers_may_be_wanted_from_the_beginning(shop):
    """So that a stray text is refused and does not make all keys text."""
    write(shop.folder / "orders" / "a.csv", [_order(17)])
    write(shop.folder / "orders" / "b.csv", [_order("test order")])
    company = shop("keys: number")
    company.run(days(2))
    assert company.rows("orders", "order_id, created_at") == [(17, at(2, 10))]
    assert [key for key, _ in company.refused] == ["order_id=test order"]


def test_amounts_and_text_columns_do_not_decide(shop):
    write(shop.folder / "products.csv", [{"id": 1, "sku": "A-1", "cost": "1.5", "name": "x"}])
    company = shop()
    company.run(days(2))
    assert company.rows("products", "id, sku, cost") == [(1, "A-1", Decimal("1.5"))]
