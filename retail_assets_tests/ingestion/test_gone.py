"""What a database has deleted outright is found by its keys, at a week's end."""

import sqlite3
from contextlib import closing

import pytest

from retail_assets.quality.source_contract import problems_of
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

    def order(self, number, day, modified=None):
        at = f"2024-01-{day:02d} 10:00:00"
        changed = at if modified is None else f"2024-01-{modified:02d} 10:00:00"
        key = f"'{self.prefix}{number}'" if self.prefix else number
        self.run(
            f"insert into orders values ({key}, 7, 'Complete', '{at}', '{changed}')",
            *(
                f"insert into order_items values ({10 * number + line}, {key}, {number + line}, '{at}')"
                for line in (1, 2)
            ),
        )

    def delete(self, *numbers, items=True):
        listed = ", ".join(f"'{self.prefix}{number}'" if self.prefix else str(number) for number in numbers)
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
    assert (gone.known, gone.deleted, gone.purged) == (5, 1, 2)
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
    assert "has lost" in said
    assert "RETAIL_MOST_GONE=" in said
    # Somebody has looked, and it is right.
    taken.run(SUNDAY, most_gone=1)
    assert len(_orders(taken)) == (26 if left else 0)


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
    source = type(taken.source())

    def broken(self, table, located):
        with self._telling(table):
            raise sqlite3.OperationalError("disk I/O error")
        yield

    monkeypatch.setattr(source, "_keys", broken)
    shop.delete(3)
    extraction = taken.run(SUNDAY)
    assert "disk I/O error" in extraction.errors["orders"]
    assert _orders(taken) == [2, 3, 4, 5]
