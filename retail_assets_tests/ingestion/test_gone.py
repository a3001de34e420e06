"""What a database has deleted outright is found by its keys, at a week's end."""

import sqlite3
from contextlib import closing
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.catalog.contract import source_tables
from retail_assets.ingestion.gone import allowed, compared
from retail_assets.privacy.forgotten import Forgotten
from retail_assets.quality.source_contract import problems_of
from retail_assets.settings import SYSTEMS
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.tables import days

# 2024-01-07 is a Sunday.
SATURDAY, SUNDAY, MONDAY = days(6), days(7), days(8)
NEXT_SUNDAY = days(14)


class Shop:
    """A shop's database: each order with two items, ordered on a day of January."""

    def __init__(self, path, prefix=""):
        self.path, self.prefix = path, prefix
        self.run(
            "create table orders (order_id, user_id, status text, created_at text, modified_at text)",
            "create table order_items (id integer, order_id, sale_price numeric, created_at text)",
            "create table products (id integer, name text, modified_at text)",
            "insert into products values (70, 'hat', '2024-01-02 08:00:00')",
        )

    def run(self, *statements):
        with closing(sqlite3.connect(self.path)) as database, database:
            for statement in statements:
                database.execute(statement)

    def key(self, number):
        return f"'{self.prefix}{number}'" if self.prefix else str(number)

    def order(self, number, day, modified=None):
        at = f"2024-01-{day:02d} 10:00:00"
        changed = at if modified is None else f"2024-01-{modified:02d} 10:00:00"
        key = self.key(number)
        self.run(
            f"insert into orders values ({key}, 7, 'Complete', '{at}', '{changed}')",
            *(
                f"insert into order_items values ({10 * number + line}, {key}, {number + line}, '{at}')"
                for line in (1, 2)
            ),
        )

    def delete(self, *numbers, items=True):
        listed = ", ".join(map(self.key, numbers))
        self.run(f"delete from orders where order_id in ({listed})")
        if items:
            self.run(f"delete from order_items where order_id in ({listed})")


@pytest.fixture(params=["", "W-"], ids=["numbers", "texts"])
def shop(request, tmp_path):
    return Shop(tmp_path / "shop.sqlite", request.param)


@pytest.fixture
def taken(company, shop):
    """The shop, with an order on each of the days 2 to 5, up to Saturday."""
    for day in range(2, 6):
        shop.order(day, day)
    made = company("webshop", f"sqlite:///{shop.path}")
    for window in (days(2, 5), SATURDAY):
        assert made.run(window).errors == {}
    return made


def _orders(taken):
    return [int(str(key).removeprefix("W-")) for (key,) in taken.rows("orders", "order_id")]


def _items(taken):
    return [int(key) for (key,) in taken.rows("order_items", "id")]


def _told(taken, table="orders"):
    return [each.sentence for each in problems_of(taken.last, taken.described(table)) if each.kind == "gone"]


@fault(
    Area.INGESTION,
    "Orders are deleted outright, with and without their lines",
    "They are found by their keys at the week's end, and count no more.",
    times=2,
)
def test_a_deleted_order_is_found_at_the_weeks_end(shop, taken):
    shop.delete(3)
    shop.delete(4, items=False)
    shop.run("delete from order_items where id = 52")
    taken.run(SATURDAY)
    assert _orders(taken) == [2, 3, 4, 5]
    taken.run(SUNDAY)
    assert _orders(taken) == [2, 5]
    assert taken.deleted == {"orders": 2, "order_items": 3}
    assert _items(taken) == [21, 22, 41, 42, 51]  # those that the shop has, with their order or without
    assert _told(taken) == []
    # The deletion counts in the window that found it, and once.
    marks = "select distinct _deleted_at from raw_webshop.orders where _deleted_at is not null"
    assert [f"{mark}" for (mark,) in taken.query(marks)] == ["2024-01-07 00:00:00"]
    taken.run(NEXT_SUNDAY)
    assert taken.deleted == {}
    assert len(taken.query(marks)) == 1


def test_a_range_of_days_with_a_sunday_in_it_is_enough(shop, taken):
    shop.delete(4)
    taken.run(days(8, 12))
    assert _orders(taken) == [2, 3, 4, 5]
    taken.run(days(6, 12))
    assert _orders(taken) == [2, 3, 5]


def test_what_is_removed_from_the_old_end_stays(shop, taken):
    """By the time of the order: an old one may have changed last. Its items stay with it."""
    shop.order(1, 1, modified=6)
    taken.run(SATURDAY)
    shop.delete(1, 2)
    shop.delete(4)
    taken.run(SUNDAY)
    assert _orders(taken) == [1, 2, 3, 5]
    assert _items(taken) == [11, 12, 21, 22, 31, 32, 51, 52]
    gone = taken.last.gone["orders"]
    assert (gone.living, gone.deleted, gone.purged) == (3, 1, 2)
    assert f"{gone.oldest:%Y-%m-%d}" == "2024-01-03"
    assert taken.last.gone["order_items"].purged == 4


@fault(
    Area.INGESTION,
    "A database shows only a part of its rows, or none",
    "Nothing counts as deleted, and the table's check says so.",
)
@pytest.mark.parametrize("left", [0, 30])
def test_a_source_that_shows_only_a_part_loses_nothing(shop, taken, left):
    for number in range(10, 60):
        shop.order(number, 6)
    taken.run(SATURDAY)
    shop.delete(*range(2 + left, 60))
    taken.run(SUNDAY)
    assert len(_orders(taken)) == 54
    assert len(_items(taken)) == 108
    (said,) = _told(taken)
    assert ("RETAIL_MOST_GONE=0.52" in said) if left else ("has none of its rows" in said)
    # Somebody has looked, and it is right. That nothing at all is left is never right.
    taken.run(SUNDAY, most_gone=0.52)
    assert len(_orders(taken)) == (26 if left else 54)


def test_what_is_there_again_counts_again(shop, taken):
    """As it was, though its time of change is that of long ago."""
    shop.delete(3)
    taken.run(SUNDAY)
    assert _orders(taken) == [2, 4, 5]
    shop.order(3, 3)
    taken.run(MONDAY)
    assert _orders(taken) == [2, 4, 5]
    taken.run(NEXT_SUNDAY)
    assert _orders(taken) == [2, 3, 4, 5]
    assert _items(taken) == [21, 22, 31, 32, 41, 42, 51, 52]
    assert taken.last.gone["orders"].back == 1
    # It counts as changed in the window that found it.
    since = taken.query("select max(_changed_at) from raw_webshop.orders where order_id::varchar like '%3'")
    assert f"{since[0][0]}" == "2024-01-14 00:00:00"


def test_a_row_that_is_refused_is_not_back(shop, taken):
    shop.run(
        "update orders set modified_at = '2024-01-06 11:00:00', user_id = x'ff' where order_id like '%4'"
    )
    taken.run(SATURDAY)
    assert len(taken.refused) == 1
    before = _orders(taken)
    taken.run(SUNDAY)
    assert _orders(taken) == before
    assert taken.last.gone["orders"].back == 0
    assert len(taken.refused) == 1


def test_a_person_who_is_gone_is_gone(shop, taken):
    """Also the oldest: a record is not kept to save somebody space."""
    shop.run(
        "create table users (id integer, first_name text, created_at text)",
        *(f"insert into users values ({day}, 'Ann', '2024-01-0{day} 09:00:00')" for day in (2, 3, 4)),
    )
    taken.run(days(2, 5))
    shop.run("delete from users where id = 2")
    taken.run(SUNDAY)
    assert taken.rows("users", "cast(id as varchar)") == [("3",), ("4",)]


def test_what_describes_others_stays(shop, taken):
    """A product that is not sold any more is needed for what was sold of it."""
    shop.run("delete from products")
    taken.run(SUNDAY)
    assert taken.rows("products", "name") == [("hat",)]


def test_keys_of_several_columns(company, tmp_path):
    path = tmp_path / "stock.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("""
            create table stock_levels (snapshot_date text, distribution_center_id integer, sku text,
                quantity_on_hand numeric, modified_at text)
        """)
        database.executemany(
            "insert into stock_levels values (?, 1, ?, 5, ?)",
            [(f"2024-01-0{day}", sku, f"2024-01-0{day} 20:00:00") for day in (2, 3, 4) for sku in "ab"],
        )
    taken = company("inventory", f"sqlite:///{path}")
    taken.run(days(2, 6))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("delete from stock_levels where snapshot_date = '2024-01-03' and sku = 'b'")
        database.execute("delete from stock_levels where snapshot_date = '2024-01-02'")
    taken.run(SUNDAY)
    left = taken.rows("stock_levels", "cast(snapshot_date as varchar), sku")
    assert left == [(f"2024-01-0{day}", sku) for day, sku in zip("22344", "abaab", strict=True)]


def test_keys_that_cannot_be_read_are_a_sentence(shop, taken, monkeypatch):
    """The rows are loaded all the same. Of lines nothing is known either."""

    def broken(self, table, located):
        with self._telling(table):
            raise sqlite3.OperationalError("disk I/O error")
        yield

    shop.delete(3)
    shop.order(8, 7)
    monkeypatch.setattr(type(taken.source()), "_keys", broken)
    assert taken.run(SUNDAY).errors == {}
    (said,) = _told(taken)
    assert "disk I/O error" in said
    assert _orders(taken) == [2, 3, 4, 5, 8]
    assert 31 in _items(taken)


def _old(shop, *numbers):
    """Orders of the year before, from number 100 on, a day each."""
    for number in numbers:
        months, days_ = divmod(number - 100, 28)
        at = f"2023-{6 + months:02d}-{1 + days_:02d} 10:00:00"
        key = shop.key(number)
        shop.run(
            f"insert into orders values ({key}, 7, 'Complete', '{at}', '2024-01-06 09:00:00')",
            f"insert into order_items values ({10 * number + 1}, {key}, 5, '2024-01-06 09:00:00')",
        )


def test_what_is_kept_does_not_make_a_loss_look_small(shop, taken):
    """Of orders that the shop still has nearly all are gone; of all that raw has, few."""
    _old(shop, *range(100, 200))
    for number in range(10, 40):
        shop.order(number, 6)
    taken.run(SATURDAY)
    shop.delete(*range(100, 200))
    taken.run(SUNDAY)
    assert taken.last.gone["orders"].purged == 100
    shop.delete(*range(10, 39))
    taken.run(NEXT_SUNDAY)
    assert "has lost 29 of its 34 rows" in _told(taken)[0]
    assert len(_orders(taken)) == 134


@pytest.mark.parametrize("stray", ["2023-01-01 10:00:00", "1970-01-01 00:00:00"])
def test_one_old_row_does_not_make_deletions_of_the_others(shop, taken, stray):
    """An order that is entered late, or whose time is a zero, or that stays open for long."""
    _old(shop, *range(100, 130))
    taken.run(SATURDAY)
    shop.delete(*range(100, 115))
    shop.run(f"insert into orders values ({shop.key(99)}, 7, 'Open', '{stray}', '2024-01-07 09:00:00')")
    taken.run(SUNDAY)
    shop.delete(*range(115, 130))
    taken.run(NEXT_SUNDAY)
    assert len(_orders(taken)) == 4 + 30 + 1
    assert taken.last.gone["order_items"].purged == 30


def test_a_time_that_was_corrected_counts(shop, taken):
    shop.order(9, 6)
    taken.run(SATURDAY)
    shop.run(
        "update orders set created_at = '2023-05-01', modified_at = '2024-01-06 12:00:00'"
        f" where order_id = {shop.key(9)}"
    )
    taken.run(SATURDAY)
    shop.delete(9)
    taken.run(SUNDAY)
    assert _orders(taken) == [2, 3, 4, 5, 9]


def test_lines_of_an_order_that_was_never_loaded_are_kept_by_their_age(shop, taken):
    key = shop.key(1)
    shop.run(f"insert into order_items values (11, {key}, 5, '2024-01-01'), (12, {key}, 5, '2024-01-01')")
    taken.run(days(1, 6))
    shop.run("delete from order_items where id in (11, 12)")
    taken.run(SUNDAY)
    assert _items(taken)[:2] == [11, 12]


def test_lines_that_are_archived_before_their_orders_are_kept(shop, taken):
    shop.run(f"delete from order_items where order_id in ({shop.key(2)}, {shop.key(3)})")
    taken.run(SUNDAY)
    assert len(_items(taken)) == 8
    # But not one of the lines of an order of which others are left.
    shop.run("delete from order_items where id = 41")
    taken.run(NEXT_SUNDAY)
    assert 41 not in _items(taken)


def test_lines_alone_are_not_compared(shop, taken):
    shop.delete(3)
    taken.run(SUNDAY, "order_items")
    assert taken.last.gone == {}
    assert len(_items(taken)) == 8


def test_the_version_comes_back_that_counted(shop, taken):
    """Not one that had been corrected before, though it says that it changed in the year 9999."""
    which = f"where order_id = {shop.key(3)}"
    shop.run(f"update orders set status = 'Cancelled', modified_at = '9999-01-01' {which}")
    taken.run(SATURDAY)
    shop.run(f"update orders set status = 'Shipped', modified_at = '2024-01-06' {which}")
    taken.run(SATURDAY)
    shop.run("create table aside as select * from orders")
    shop.delete(3)
    taken.run(SUNDAY)
    counting = f"select status from raw_webshop.orders {which} and _deleted_at is null"
    assert taken.query(counting) == []
    shop.run(f"insert into orders select * from aside {which}")
    taken.run(NEXT_SUNDAY)
    assert taken.query(counting) == [("Shipped",)]


def test_who_is_to_be_forgotten_does_not_come_back(shop, taken, monkeypatch):
    """Marked, and not erased yet, while the source still has the record."""
    shop.run(
        "create table users (id integer, first_name text, created_at text)",
        "insert into users values (2, 'Ann', '2024-01-02 09:00:00'), (3, 'Bo', '2024-01-03 09:00:00')",
    )
    taken.run(days(2, 5))
    taken.query("update raw_webshop.users set _deleted_at = timestamp '2024-01-06' where first_name = 'Ann'")
    monkeypatch.setattr(Forgotten, "records_of", lambda self, table: int(table.name == "users"))
    taken.run(SUNDAY)
    assert taken.rows("users", "first_name") == [("Bo",)]


def test_if_none_may_be_gone_none_is_marked(shop, taken):
    shop.delete(4)
    taken.run(SUNDAY, most_gone=0)
    assert _orders(taken) == [2, 3, 4, 5]
    assert "RETAIL_MOST_GONE=0.25" in _told(taken)[0]


@given(st.integers(1, 5000).flatmap(lambda living: st.tuples(st.just(living), st.integers(1, living))))
def test_the_share_that_is_advised_is_enough(rows):
    living, deleted = rows
    assert deleted <= allowed(living, float(f"{ceil(100 * deleted / living) / 100:.2f}"))


def test_which_tables_are_compared(manifest):
    """What only describes what happened is not: products, and pieces of stock that were sold."""
    names = {table.name for system in SYSTEMS for table in compared(source_tables(manifest, system))}
    assert names >= {"sales_order_header", "sales_order_detail", "order_items", "users", "campaign_touches"}
    assert names >= {"stock_levels", "payments", "events", "interactions"}
    assert not names & {"products", "inventory_items", "distribution_centers"}
