"""Which files there are, of which table and day they are, and which of them say something new."""

import os
import shutil
from datetime import date, timedelta

import pytest

from retail_assets.ingestion.file_source import FileSource
from retail_assets.ingestion.files import File, FileStore
from retail_assets_tests.ingestion.shop import LOADED_AT, Shop
from retail_assets_tests.ingestion.tables import ORDERS, PLACES, PRODUCTS, at, days, order, write


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path / "shop")


def put(shop, name, *statuses, when=None):
    path = write(shop.url / name, [order(n, "2024-01-02", status=each) for n, each in enumerate(statuses)])
    if when is not None:
        os.utime(path, (when, when))
    return path


@pytest.mark.parametrize(
    ("path", "table", "day"),
    [
        ("orders.csv", "orders", None),
        ("Orders.CSV", "orders", None),
        ("Order Items.csv", "order_items", None),
        ("order-items/part-0.parquet", "order_items", None),
        ("orders-2024-01-02.csv", "orders", "2024-01-02"),
        ("orders_20240102.csv.gz", "orders", "2024-01-02"),
        ("ORDERS_20240102030405.TSV", "orders", "2024-01-02"),
        ("order_items.2024_01_02.v2.csv", "order_items", "2024-01-02"),
        ("2024-01-02 orders.csv", "orders", "2024-01-02"),
        ("2024-01-02/orders.csv", "orders", "2024-01-02"),
        ("2024/01/02/orders/part-0.csv", "orders", "2024-01-02"),
        ("orders/2024/01/02/part-0.csv", "orders", "2024-01-02"),
        ("orders/2024-01-01 to 2024-01-07.csv", "orders", "2024-01-07"),
        ("orders/day=2024-01-02/x.csv", "orders", "2024-01-02"),
        ("orders/12024-01-02.csv", "orders", None),
        ("orders/2024-13-02.csv", "orders", None),
        ("orders/20240102-20240131.csv", "orders", "2024-01-31"),
        ("orders/1234567890123.csv", "orders", None),
        ("orders.old/2024-01-02.csv", "orders_old", "2024-01-02"),
        (".orders-2024-01-02.csv.tmp", "orders", "2024-01-02"),
    ],
)
def test_tables_and_days_of_names(tmp_path, path, table, day):
    write(tmp_path / path, [order(1, "2024-01-02")]) if path.endswith((".csv", ".gz", ".parquet")) else None
    if not (tmp_path / path).exists():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    ((name, (file,)),) = FileStore("webshop", str(tmp_path)).files().items()
    assert (name, file.path, file.day) == (table, path, day and date.fromisoformat(day))


def test_files_of_days_in_the_root(shop):
    for n, name in enumerate(["orders-2024-01-02.csv", "ORDERS_20240103.CSV", "orders 2024_01_04.tsv"]):
        put(shop, name, *"x" * (n + 1))
    assert shop.keys(ORDERS, days(2)) == [0]
    assert shop.keys(ORDERS, days(3)) == [0, 1]
    assert set(shop.keys(ORDERS, days(2, 4))) == {0, 1, 2}


@pytest.mark.parametrize("folder", ["a#b", "50%20 off", "what?", "[x]{y}*", "ü 'q\"", "~", "a::b"])
@pytest.mark.parametrize("as_url", [False, True])
def test_folders_of_any_name(tmp_path, folder, as_url):
    url = tmp_path / folder
    put(Shop(url), "orders.csv", "x")
    assert Shop(f"file://{url}" if as_url else url).keys(ORDERS, days(2)) == [0]


def test_a_url_may_be_quoted(tmp_path):
    put(Shop(tmp_path / "a b#c"), "orders.csv", "x")
    assert Shop(f"file://{tmp_path}/a%20b%23c").keys(ORDERS, days(2)) == [0]


# Links


def _newest(shop, window=None):
    return [row["status"] for row in shop.read(ORDERS, window or days(3))]


def test_a_link_is_what_it_leads_to(shop, tmp_path):
    """Its target is replaced by a file as large and, as far as can be seen, as old."""
    target = tmp_path / "release" / "orders.csv"
    outside = Shop(tmp_path / "release")
    put(outside, "orders.csv", "Shipped__", when=1_704_240_000)
    shop.url.mkdir()
    (shop.url / "orders.csv").symlink_to(target)
    assert _newest(shop) == ["Shipped__"]
    assert _newest(shop) == []
    put(outside, "orders.csv", "Cancelled", when=1_704_240_000)
    assert _newest(shop) == ["Cancelled"]
    # Or the link leads elsewhere.
    other = put(outside, "other.csv", "Returned_", when=1_704_240_000)
    (shop.url / "orders.csv").unlink()
    (shop.url / "orders.csv").symlink_to(other)
    assert _newest(shop) == ["Returned_"]
    assert _newest(shop) == []


def test_folders_behind_links(shop, tmp_path):
    put(Shop(tmp_path / "release"), "orders/2024-01-02.csv", "x")
    shop.url.mkdir()
    (shop.url / "orders").symlink_to(tmp_path / "release" / "orders")
    # Links that lead back are no end of files.
    (tmp_path / "release" / "orders" / "up").symlink_to(tmp_path / "release")
    (shop.url / "self").symlink_to(shop.url)
    assert shop.keys(ORDERS, days(2)) == [0]


def test_a_link_to_nothing_and_what_is_no_file_stop_nothing_else(shop, tmp_path):
    put(shop, "orders/2024-01-02.csv", "x")
    (shop.url / "orders" / "b.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(shop.url / "orders" / "c.csv")
    (shop.url / "orders" / "d.csv").mkdir()
    assert shop.keys(ORDERS, days(2)) == [0]
    assert [said.partition(". Nothing")[0] for said in sorted(shop.problems)] == [
        "webshop: orders/b.csv is not whole (it is a link to nothing)",
        "webshop: orders/c.csv is not whole (it is no file)",
    ]


def test_a_name_that_is_no_text_stops_nothing_else(shop):
    put(shop, "orders/2024-01-02.csv", "x")
    shutil.copy(shop.url / "orders" / "2024-01-02.csv", os.fsencode(shop.url / "orders") + b"/caf\xe9.csv")
    assert shop.keys(ORDERS, days(2)) == [0]
    (said,) = shop.problems
    assert "orders/caf\ufffd.csv is not whole (its name is not UTF-8: rename it)" in said


# What is new


def test_a_file_replaced_by_one_as_large_and_as_old_is_new(shop):
    put(shop, "orders.csv", "a", when=1_704_240_000)
    assert _newest(shop) == ["a"]
    put(shop, "next.csv", "b", when=1_704_240_000).replace(shop.url / "orders.csv")
    assert _newest(shop) == ["b"]
    put(shop, "orders.csv", "c", when=1_704_240_000)
    assert _newest(shop) == ["c"]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.rename(path.with_name("renamed.csv")),
        lambda path: os.link(path, path.with_name("linked.csv")),
        lambda path: path.with_name("linked.csv").symlink_to(path),
        lambda path: shutil.copy2(path, path.with_name("copied.csv")),
        lambda path: path.touch(),
        lambda path: path.chmod(0o600),
        lambda path: path.write_text(path.read_text()),
    ],
)
def test_content_that_was_loaded_is_not_news(shop, change):
    path = put(shop, "orders/first.csv", "a", "b")
    put(shop, "orders/second.csv", "b")
    assert len(shop.read(ORDERS, days(2))) == 3
    change(path)
    assert shop.read(ORDERS, days(3)) == []
    # And is known from then on without being looked into.
    before = dict(shop.memory["orders"])
    assert shop.read(ORDERS, days(4)) == []
    assert shop.memory["orders"] == before
    assert {file.loaded_at - LOADED_AT for file in before.values()} == {
        timedelta(),
        timedelta(microseconds=1),
    }


def test_content_of_another_day_or_time_is_news(shop):
    path = put(shop, "orders/2024-01-02.csv", "a")
    assert _newest(shop, days(2)) == ["a"]
    # The same rows were so on the next day too, which is a version of them.
    shutil.copy2(path, path.with_name("2024-01-03.csv"))
    (row,) = shop.read(ORDERS, days(3))
    assert row["_modified_at"] == at(3)
    put(shop, "orders/2024-01-03.csv", "b")
    assert _newest(shop, days(3)) == ["b"]
    # Delivered again, later and under another name: that is what counts now.
    shutil.copy(path, path.with_name("2024-01-03 again.csv"))
    assert _newest(shop, days(4)) == ["a"]


def test_a_snapshot_that_was_renamed_is_not_read_as_an_empty_one(shop):
    places = write(shop.url / "places.csv", [{"country": "France", "state": "", "latitude": 46}])
    assert len(shop.read(PLACES, days(2))) == 1
    places.rename(places.with_name("places.v2.csv"))
    assert shop.read(PLACES, days(3)) == []
    assert {"places.csv", "places.v2.csv"} == set(shop.memory["places"])


def test_what_was_loaded_before_contents_were_known_is_known(shop):
    """A home that is older has neither checksums nor times of change."""
    path = put(shop, "orders.csv", "a")
    assert _newest(shop) == ["a"]
    (known,) = shop.memory["orders"].values()
    shop.memory["orders"]["orders.csv"] = type(known)(
        **{**vars(known), "changed": "", "checksum": "", "left_out": ""}
    )
    assert _newest(shop) == []
    path.touch()
    assert _newest(shop) == ["a"]


def test_other_files_do_no_harm(shop):
    put(shop, "orders/2024-01-02.csv", "x")
    for name in ("README.md", "orders/notes.txt", "orders/.DS_Store", "orders.xlsx", "orders/old.csv.bak"):
        (shop.url / name).write_text("anything")
    assert shop.keys(ORDERS, days(2)) == [0]
    assert shop.problems == shop.refused == []
    assert shop.read(PRODUCTS, days(2)) == []


def test_files_of_kinds_that_are_not_read_are_told(shop):
    put(shop, "orders/2024-01-02.csv", "x")
    for name in ("orders/2024-01-03.xlsx", "orders/2024-01-04.json", "orders/_SUCCESS", "invoices.xlsx"):
        (shop.url / name).write_text("anything")
    assert shop.keys(ORDERS, days(2, 4)) == [0]
    assert shop.doubtful == [
        "webshop: orders/2024-01-03.xlsx, orders/2024-01-04.json were not read: files are read that end in"
        " .csv, .tsv, .gz of these and .parquet. If it is data of orders, export it as one of these."
    ]


def test_files_of_no_table_are_told_once(shop):
    put(shop, "orders/2024-01-02.csv", "x")
    put(shop, "products.csv", "x")
    put(shop, "Orders3.csv", "x")  # told as a part of orders
    for name in ("returns_may.csv", "till/2024-01-02.csv", "till/.DS_Store", "stock list.xlsx", "z.pdf"):
        put(shop, name, "x")
    source = FileSource("webshop", str(shop.url), "UTC", "UTC")
    source.tables = [PRODUCTS, ORDERS]
    (said,) = source.doubtful(PRODUCTS)
    assert said == (
        "webshop: returns_may.csv, till/2024-01-02.csv, stock list.xlsx and 1 more were not read: by its name"
        " it is of no table. Name it as the table that it is of, or name it in the mapping."
    )
    assert source.doubtful(ORDERS) == []


def test_a_drop_that_shrank_is_told(shop):
    path = put(shop, "orders/2024-01-02.csv", "v", "w", "x")
    assert shop.keys(ORDERS, days(2)) == [0, 1, 2]
    assert shop.doubtful == []
    had = path.stat().st_size
    put(shop, "orders/2024-01-02.csv", "v", "w")
    shop.read(ORDERS, days(3))
    said = "when it was read before. What was loaded of it stays: send the file again if it lost rows."
    assert shop.doubtful == [f"webshop: orders/2024-01-02.csv has 2 rows, and had 3 {said}"]
    # What it has now is what the next one is compared with.
    put(shop, "orders/2024-01-02.csv", "v", "w", "x")
    shop.read(ORDERS, days(3))
    assert shop.doubtful == []
    put(shop, "orders/2024-01-02.csv", "", "w", "x")
    shop.read(ORDERS, days(3))
    assert shop.doubtful == [
        f"webshop: orders/2024-01-02.csv has {path.stat().st_size} bytes, and had {had} {said}"
    ]


@pytest.mark.parametrize(
    "name", ["orders (1).csv", "Orders2.csv", "orders-part-07.parquet", "orders copy.csv"]
)
def test_a_copy_or_a_part_of_a_table_is_told(shop, name):
    put(shop, "orders.csv", "x")
    put(shop, name, "x", "y")
    put(shop, "orders_archive.csv", "z")
    assert shop.keys(ORDERS, days(2)) == [0]
    assert shop.problems == [
        f"webshop: {name} was not read: by its name it is of no table. If it is of orders, move it into the"
        " folder orders."
    ]
    (shop.url / "orders").mkdir()
    (shop.url / name).rename(shop.url / "orders" / name)
    assert shop.keys(ORDERS, days(2)) == [0, 1]
    assert shop.problems == []


def test_a_bucket_is_asked_again(tmp_path):
    """Whether a file is still as it was listed."""
    import fsspec

    bucket = fsspec.filesystem("memory")
    bucket.pipe("/again/orders.csv", b"a")
    try:
        store = FileStore("webshop", "memory://again")
        ((file,),) = store.files().values()
        assert store.as_it_is_now(file) == file
        bucket.pipe("/again/orders.csv", b"ab")
        assert store.as_it_is_now(file).size == 2
    finally:
        bucket.rm("/again", recursive=True)
    assert "it cannot be opened" in store.as_it_is_now(file).trouble


def test_names_of_unfinished_files():
    for name in (".x.csv", "_x.csv", "x.csv.tmp", "x.csv.part", "x.csv.PART", "x.csv.filepart"):
        assert File(f"orders/{name}", 1, "", None, None).why_unfinished
    assert not File("_orders/x.csv", 1, "", None, None).why_unfinished
