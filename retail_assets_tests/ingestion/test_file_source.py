"""Drops that are late, repeated, missing, half-written or wrong, and what is read of them."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import fsspec
import pytest

from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.file_source import FileSource
from retail_assets.windows import Window
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.shop import LOADED_AT, Shop
from retail_assets_tests.ingestion.tables import (
    ORDERS,
    PLACES,
    PRODUCTS,
    USERS,
    at,
    days,
    order,
    table,
    text_of,
    write,
)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("layout", ["orders", "orders/2024-01-02", "orders/any/day=2024-01-02/part-0"])
def test_every_layout_and_format_says_the_same(shop, layout, suffix):
    rows = [
        order(1, "2024-01-02 03:04:05.123456", "", 'with, "quotes"\nand a line'),
        order(2, "2024-01-02 03:04:05", "2024-01-02 10:00:00", "ümlaut", "0.1"),
    ]
    write(shop.url / f"{layout}{suffix}", rows)
    first, second = shop.read(ORDERS, days(2))
    assert first["status"] == 'with, "quotes"\nand a line'
    assert (first["amount"], second["amount"]) == (Decimal("10.5"), Decimal("0.1"))
    assert first["shipped_at"] is None
    assert second["_modified_at"] == second["_changed_at"] == at(2, 10)
    # The same row is the same version, whatever the file is like.
    assert {first["_row_hash"], second["_row_hash"]} == {3057915302656799801, 5185249769969750765}
    assert shop.problems == []


@pytest.mark.parametrize(
    ("written", "meant"),
    {
        "2024-01-02 03:04:05 UTC": "03:04:05",
        "2024-01-02 03:04:05.5 UTC": "03:04:05.500000",
        "2024-01-02 03:04:05+00:00": "03:04:05",
        "2024-01-02 03:04:05+02:00": "01:04:05",
        "2024-01-02T03:04:05Z": "03:04:05",
        "2024-01-02": "00:00:00",
    }.items(),
)
def test_times_may_name_their_zone(shop, written, meant):
    write(shop.url / "orders.csv", [order(1, written)])
    (row,) = shop.read(ORDERS, days(2))
    assert row["created_at"] == datetime.fromisoformat(f"2024-01-02 {meant}")


def test_a_window_reads_its_days_and_what_is_late(shop):
    for day in (1, 2, 3, 5):
        write(shop.url / "orders" / f"2024-01-0{day}.csv", [order(day, f"2024-01-0{day} 12:00:00")])
    assert shop.keys(ORDERS, days(2)) == [1, 2]
    # The day itself is read again, what came before is known.
    assert shop.keys(ORDERS, days(2)) == [2]
    # The fourth day has nothing, and does no harm.
    assert shop.keys(ORDERS, days(4)) == [3]
    write(shop.url / "orders" / "2024-01-04.csv", [order(4, "2024-01-04 12:00:00")])
    late, on_time = shop.read(ORDERS, days(5))
    assert late["_modified_at"] == at(4, 12)
    # A late row counts as changed in the window that brings it.
    assert (late["_changed_at"], on_time["_changed_at"]) == (
        at(5),
        at(5, 12),
    )
    assert shop.keys(ORDERS, days(6)) == []


def test_a_file_that_was_replaced_is_read_again(shop):
    path = write(shop.url / "orders" / "2024-01-01.csv", [order(1, "2024-01-01 12:00:00")])
    assert shop.keys(ORDERS, days(1)) == [1]
    assert shop.keys(ORDERS, days(2)) == []
    write(path, [order(1, "2024-01-01 12:00:00"), order(2, "2024-01-01 13:00:00")])
    assert shop.keys(ORDERS, days(2)) == [1, 2]


def test_rows_from_after_the_window_come_with_their_own(shop):
    write(shop.url / "orders.csv", [order(day, f"2024-01-0{day} 12:00:00") for day in (1, 2, 3)])
    assert shop.keys(ORDERS, days(1)) == [1]
    assert shop.keys(ORDERS, days(2)) == [1, 2]
    assert shop.keys(ORDERS, days(3)) == [1, 2, 3]
    assert shop.keys(ORDERS, days(4)) == []


@pytest.mark.parametrize(("timezone", "day", "hour"), [("America/New_York", 2, 5), ("Asia/Tokyo", 1, 15)])
def test_days_are_the_retailers(tmp_path, timezone, day, hour):
    """The second of January begins at this hour, UTC."""
    shop = Shop(tmp_path, timezone)
    write(tmp_path / "products" / "2024-01-02.csv", [{"id": 1, "name": "a", "price": 1}])
    begins = datetime(2024, 1, day, hour, tzinfo=UTC)
    assert shop.read(PRODUCTS, Window(begins - timedelta(days=1), begins)) == []
    (row,) = shop.read(PRODUCTS, Window(begins, begins + timedelta(days=1)))
    assert row["_modified_at"] == row["_changed_at"] == at(day, hour)


def _orders(count):
    return [order(n, "2024-01-02 12:00:00", status="x" * (n % 50)) for n in range(count)]


def _written(folder, name, content):
    path = folder / "orders" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


@fault(Area.INGESTION, "A compressed file breaks off", "Nothing of it is loaded until it is whole.")
@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.3, 0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_nothing_is_loaded_of_a_file_that_breaks_off(shop, suffix, share):
    write(shop.url / "orders" / "2024-01-01.csv", [order(-1, "2024-01-01 12:00:00")])
    path = write(shop.url / "orders" / f"2024-01-02{suffix}", _orders(30_000))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert shop.keys(ORDERS, days(2)) == [-1]
    (problem,) = shop.problems
    assert problem.startswith(f"webshop: orders/2024-01-02{suffix} is not whole (it")
    path.write_bytes(whole)
    assert len(shop.keys(ORDERS, days(3))) == 30_000
    assert shop.problems == []


@fault(Area.INGESTION, "A file is half-written", "Nothing of it is loaded, and the line is named.")
@pytest.mark.parametrize(
    ("name", "end", "why"),
    [
        ("2024-01-02.csv", "7,Complete,1", "its last row, from line 4 on, breaks off"),
        ("2024-01-02.csv", '7,"Complete\n\n,1', "its last row, from line 4 on, breaks off"),
        ("2024-01-02.csv", '7,"Complete,1,2024-01-02,\n', "its last row, from line 4 on, breaks off"),
        ("2024-01-02.csv.gz", '7,"Complete,1,2024-01-02,\n', "its last row, from line 4 on, breaks off"),
        ("2024-01-02.csv.tmp", "", "by its name it is still being written"),
        ("2024-01-02.csv.gz.part", "", "by its name it is still being written"),
        (".2024-01-02.csv", "", "by its name it is still being written"),
        ("_2024-01-02.csv.gz", "", "by its name it is still being written"),
    ],
)
def test_nothing_is_loaded_of_a_file_that_is_half_written(shop, name, end, why):
    content = (text_of(_orders(2)) + end).encode()
    _written(shop.url, name, gzip.compress(content) if ".gz" in name else content)
    write(shop.url / "orders" / "2024-01-01.csv", [order(-1, "2024-01-01 12:00:00")])
    assert shop.keys(ORDERS, days(2)) == [-1]
    (problem,) = shop.problems
    assert problem.startswith(f"webshop: orders/{name} is not whole (")
    assert why in problem
    assert "\n" not in problem


@fault(Area.INGESTION, "A file has no header", "It alone is left.")
@pytest.mark.parametrize("content", [b"\n", b"\xef\xbb\xbf,,\n"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_file_without_a_header_stops_nothing_else(shop, suffix, content):
    name = f"2024-01-02{suffix}"
    _written(shop.url, name, gzip.compress(content) if suffix.endswith(".gz") else content)
    write(shop.url / "orders" / "2024-01-01.csv", [order(1, "2024-01-01 12:00:00")])
    assert shop.keys(ORDERS, days(2)) == [1]
    assert [f"orders/{name} is not whole (it has no header)" in each for each in shop.problems] == [True]


def test_an_empty_gzip_has_no_header(shop):
    _written(shop.url, "2024-01-02.csv.gz", gzip.compress(b""))
    assert shop.keys(ORDERS, days(2)) == []
    assert "(it has no header)" in shop.problems[0]


@fault(Area.INGESTION, "A file disappears between the look and the reading", "The others are read.")
def test_a_file_that_cannot_be_opened_stops_nothing_else(shop):
    for day in (1, 2):
        write(shop.url / "orders" / f"2024-01-0{day}.csv", [order(day, f"2024-01-0{day} 12:00:00")])
    source = FileSource("webshop", str(shop.url), "UTC")
    source.check()
    (shop.url / "orders" / "2024-01-02.csv").unlink()
    rows = [row for batch in source.read(ORDERS, days(2), LOADED_AT) for row in batch.to_pylist()]
    assert [row["order_id"] for row in rows] == [1]
    (problem,) = source.problems(ORDERS)
    assert "orders/2024-01-02.csv is not whole (it cannot be opened: No such file or directory)" in problem


def test_other_files_are_none_of_ours(shop):
    _written(shop.url, "_SUCCESS", b"")
    _written(shop.url, ".DS_Store", b"")
    write(shop.url / "orders_old" / "2024-01-01.csv", [order(2, "2024-01-01 12:00:00")])
    assert shop.keys(ORDERS, days(2)) == []
    assert shop.problems == []


@fault(Area.INGESTION, "A column is missing", "Its file alone is refused.")
def test_a_missing_column_stops_its_file(shop):
    write(shop.url / "orders" / "2024-01-01.csv", [order(1, "2024-01-01 12:00:00")])
    lacking = {key: value for key, value in order(2, "").items() if key not in ("status", "shipped_at")}
    write(shop.url / "orders" / "2024-01-02.csv", [lacking])
    assert shop.keys(ORDERS, days(2)) == [1]
    (said,) = shop.refused
    assert said.startswith(
        "webshop: orders/2024-01-02.csv was not loaded: it has no column status, shipped_at, which orders"
        " must have"
    )
    assert list(shop.memory["orders"]) == ["orders/2024-01-01.csv"]


def test_additional_columns_and_another_order_do_no_harm(shop):
    row = order(1, "2024-01-02 12:00:00")
    write(shop.url / "orders" / "a.csv", [dict(reversed(row.items())) | {"new": 1}])
    write(shop.url / "orders" / "b.csv", [{"orderId": 7} | row | {"Order ID": 8, "order_ID": 9}])
    write(shop.url / "orders" / "c.csv", [{name.title().replace("_", ""): row[name] for name in row}])
    (read,) = shop.read(ORDERS, days(2))
    assert (read["order_id"], read["status"], read["created_at"]) == (1, "Complete", at(2, 12))
    assert "new" not in read
    assert len(shop.memory["orders"]) == 3


@fault(Area.INGESTION, "A value is of another type", "Its row alone is refused.")
@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("amount", "a lot", "amount is no decimal(19,4)"),
        ("created_at", "yesterday", "created_at is no timestamp"),
        ("order_id", "1.5", "order_id is no bigint"),
        ("order_id", "", "order_id is empty, and is the row's key"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_a_value_of_another_type_stops_its_row(shop, column, value, reason, suffix):
    good = order(1, "2024-01-02 12:00:00", status="a\nb\n\nc")
    bad = order(2, "2024-01-02") | {column: value}
    write(shop.url / "orders" / f"2024-01-02{suffix}", [good, bad, order(3, "2024-01-02")])
    assert shop.keys(ORDERS, days(2)) == [1, 3]
    (row,) = shop.refused_rows(ORDERS)
    # The value's line is the one that an editor shows.
    place = "row 2" if suffix == ".parquet" else "line 6"
    assert (row.column_name, row.value, row.reason) == (column, value or None, reason)
    assert row.origin == f"orders/2024-01-02{suffix}, {place}"
    assert shop.problems == shop.refused == []
    # The file counts as read.
    assert shop.memory["orders"][f"orders/2024-01-02{suffix}"].rows == 2
    assert shop.keys(ORDERS, days(3)) == []


def test_values_that_other_programs_write(shop):
    """Whole numbers as pandas writes them beside nulls, fractions with more digits than are kept."""
    write(shop.url / "orders" / "2024-01-02.csv", [order("1.0", "2024-01-02", amount="0.0199999995529651")])
    (row,) = shop.read(ORDERS, days(2))
    assert (row["order_id"], row["amount"]) == (1, Decimal("0.02"))


def test_personal_data_is_in_no_message(shop):
    secret = table("users", {"id": "bigint", "email": "bigint"})
    write(shop.url / "users.csv", [{"id": n, "email": "jane@example.com"} for n in range(2)])
    shop.read(secret, days(2))
    assert [row.value for row in shop.refused_rows(secret)] == [None, None]
    write(shop.url / "users.csv", [{"id": n, "email": "jane@example.com"} for n in range(30)])
    shop.read(secret, days(2))
    (said,) = shop.refused
    assert said.startswith(
        "webshop: users.csv was not loaded: none of its 30 rows can be read: email is no bigint in line 2."
    )


def test_a_parquet_file_may_have_other_types(shop):
    write(shop.url / "orders" / "2024-01-01.parquet", [order(1, "2024-01-01 12:00:00", amount="7")])
    write(shop.url / "orders" / "2024-01-02.parquet", [order(2, "2024-01-02 12:00:00+00:00", amount="7.25")])
    assert [row["amount"] for row in shop.read(ORDERS, days(2))] == [Decimal(7), Decimal("7.25")]


def test_a_drop_that_came_twice_gives_its_rows_once(shop):
    rows = [order(1, "2024-01-02 12:00:00"), order(2, "2024-01-02 13:00:00")]
    write(shop.url / "orders" / "2024-01-02.csv", rows)
    write(shop.url / "orders" / "2024-01-02 (1).csv", [*rows, rows[0]])
    write(shop.url / "orders" / "2024-01-02.parquet", rows)
    assert shop.keys(ORDERS, days(2)) == [1, 2]


def test_a_drop_says_what_its_rows_were_like_on_its_day(shop):
    """A product has no time of its own, a user none for a new address: the drop's day stands in for it,
    and a value that returns is a version of its own, in whatever order the drops come."""
    for day, name in enumerate("aba", start=1):
        write(shop.url / "products" / f"2024-01-0{day}.csv", [{"id": 1, "name": name, "price": 1}])
        user = {"id": 1, "email": name, "created_at": "2024-01-01 10:00:00"}
        write(shop.url / "users" / f"2024-01-0{day}.csv", [user])
    for each, first in ((PRODUCTS, at(1)), (USERS, at(1, 10))):
        rows = shop.read(each, days(1, 3))
        assert sorted(row["_modified_at"] for row in rows) == [
            first,
            at(2),
            at(3),
        ]
        assert len({row["_row_hash"] for row in rows}) == 3
        other = Shop(shop.url)
        in_parts = [row for day in (3, 1, 2) for row in other.read(each, days(day))]
        versions = {(row["_row_hash"], row["_modified_at"]) for row in rows}
        assert {(row["_row_hash"], row["_modified_at"]) for row in in_parts} == versions


def test_of_a_snapshot_the_newest_is_read(shop):
    def place(latitude):
        return [{"country": "France", "state": "", "latitude": latitude}]

    for day in (1, 2, 4):
        write(shop.url / "places" / f"2024-01-0{day}.csv", place(day))
    (row,) = shop.read(PLACES, days(1, 3))
    # Empty is null, but as a part of a key it is a value.
    assert (row["state"], row["latitude"], row["_modified_at"]) == ("", 2.0, at(2))
    assert shop.read(PLACES, days(3)) == []
    (later,) = shop.read(PLACES, days(4))
    assert later["latitude"] == 4.0
    # A row that is as it was is no new version.
    write(shop.url / "places" / "2024-01-05.csv", place(4))
    (same,) = shop.read(PLACES, days(5))
    assert same["_row_hash"] == later["_row_hash"]
    # What was loaded is newer than anything that an older window may read.
    write(shop.url / "places" / "2024-01-03.csv", place(3))
    assert shop.read(PLACES, days(3)) == []


def test_a_whole_file_without_times_is_as_old_as_the_file(shop):
    path = write(shop.url / "places.csv", [{"country": "France", "state": "", "latitude": 46}])
    (row,) = shop.read(PLACES, days(1))
    assert row["_modified_at"] == datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    assert row["_changed_at"] == at(1)
    assert shop.read(PLACES, days(2)) == []


def test_a_bucket_is_read_as_a_folder_is(tmp_path):
    bucket = fsspec.filesystem("memory")
    for suffix in (".csv", ".csv.gz", ".parquet"):
        path = write(tmp_path / f"x{suffix}", _orders(3))
        bucket.pipe(f"/bucket/shop/orders/2024-01-02{suffix}", path.read_bytes())
    try:
        shop = Shop("memory://bucket/shop")
        assert shop.keys(ORDERS, days(2)) == [0, 1, 2]
        assert sorted(shop.memory["orders"]) == [
            f"orders/2024-01-02{s}" for s in (".csv", ".csv.gz", ".parquet")
        ]
        assert shop.keys(ORDERS, days(3)) == []
    finally:
        bucket.rm("/bucket", recursive=True)


def test_names_that_look_like_patterns(shop):
    write(shop.url / "orders" / "2024-01-02 [a]*?'.csv", _orders(2))
    write(shop.url / "orders" / "2024-01-02 ax.csv", [order(9, "2024-01-02")])
    assert shop.keys(ORDERS, days(2)) == [0, 1, 9]


@pytest.mark.parametrize("url", ["nothing/there", "no-such-protocol://x"])
def test_a_missing_folder_says_what_to_do(tmp_path, url):
    with pytest.raises(SourceError, match="RETAIL_WEBSHOP_URL"):
        FileSource("webshop", url if "://" in url else str(tmp_path / url), "UTC").check()


def test_what_a_bucket_says_has_no_secret(monkeypatch):
    source = FileSource("webshop", "memory://bucket/shop?sig=Hunter2", "UTC")

    def forbid(*_, **__):
        raise OSError("403 Forbidden: memory://bucket/shop?sig=Hunter2")

    monkeypatch.setattr(source._store.filesystem, "find", forbid)
    with pytest.raises(SourceError, match=r"memory://bucket/shop cannot be read \(403 Forbidden") as raised:
        source.check()
    assert "Hunter2" not in str(raised.value)


def test_locating_tables(shop):
    write(shop.url / "Orders" / "2024-01-02.csv", _orders(1))
    source = FileSource("webshop", str(shop.url), "UTC")
    assert source.locate(ORDERS)
    assert not source.locate(PRODUCTS)


@pytest.mark.parametrize("stamp", ["9999-12-31", "2055-03-01 08:00:00", "2024-05-03 00:00:01"])
def test_a_stamp_that_no_window_will_reach_holds_no_row_back(shop, stamp):
    # They are read on 2024-05-01.
    rows = [order(1, "2024-01-02 12:00:00"), order(2, stamp), order(3, "2024-05-01 20:00:00")]
    write(shop.url / "orders.csv", rows)
    first, unplaced = shop.read(ORDERS, days(2))
    assert (first["order_id"], unplaced["order_id"]) == (1, 2)
    assert unplaced["_changed_at"] == at(2, 0)
