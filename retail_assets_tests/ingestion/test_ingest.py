"""From sources to raw: what is in the warehouse after drops came late or twice, and after a crash."""

import os
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from retail_assets.catalog.contract import SourceColumn
from retail_assets.deployment import home
from retail_assets.ingestion import load
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.load import ingest
from retail_assets.ingestion.raw_tables import put_in_order
from retail_assets.ingestion.sources import open_source
from retail_assets.quality.source_contract import problems_of
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import SYSTEMS, Settings
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.tables import (
    ORDERS,
    PLACES,
    PRODUCTS,
    USERS,
    at,
    days,
    order,
    table,
    write,
)

TABLES = [ORDERS, PRODUCTS, PLACES]
CHANNELS = table(
    "channels",
    {"id": "bigint", "name": "varchar"},
    system="crm",
    kind="sql",
    schema="raw_crm",
    load="snapshot",
)
TOUCHES = table(
    "touches",
    {"id": "bigint", "kind": "varchar", "modified_at": "timestamp"},
    system="crm",
    kind="sql",
    schema="raw_crm",
    modified=("modified_at",),
)


class Platform:
    """Ingestion alone, in a home of its own."""

    def __init__(self, folder):
        self.settings = Settings(home=folder / "home")
        home.prepare(self.settings)
        self.loads = []

    @property
    def shop(self):
        return self.settings.home / "sources" / "webshop"

    def ingest(self, window, tables=TABLES, chosen=None):
        """One run; the extraction, to be asked for errors and problems."""
        extraction = Extraction(open_source(self.settings, tables), window)
        extraction.locate(tables)
        warehouse = warehouse_of(self.settings)
        self.loads = []
        with warehouse.writing(print):
            self.loaded = ingest(
                extraction, tables, chosen or tables, warehouse, self.settings.home / "dlt", self._run
            )
        return extraction

    def _run(self, pipeline, source):
        self.loads = sorted(source.resources)
        pipeline.run(source, loader_file_format="parquet")

    def query(self, statement):
        with duckdb.connect(self.settings.duckdb_path) as connection:
            return connection.execute(statement).fetchall()

    def versions(self, name):
        """All that raw has of a table, but for when it was seen first."""
        return self.query(f"select * exclude (_changed_at, _loaded_at) from raw_webshop.{name} order by all")


@pytest.fixture
def platform(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return Platform(tmp_path)


def _fill(folder, only=None):
    """Five days of orders that change after they were placed, and of products."""
    for day in range(1, 6):
        if only in (None, day):
            rows = [order(day, f"2024-01-0{day} 12:00:00", status="Processing")]
            if day > 1:
                created, shipped = f"2024-01-0{day - 1} 12:00:00", f"2024-01-0{day} 08:00:00"
                rows.append(order(day - 1, created, shipped, "Shipped"))
            write(folder / "orders" / f"2024-01-0{day}.csv.gz", rows)
            price = 10 if day % 2 else 8
            write(folder / "products" / f"2024-01-0{day}.csv", [{"id": 1, "name": "a", "price": price}])
    write(folder / "places.csv", [{"country": "France", "state": "", "latitude": 46}])


def test_days_one_by_one_late_and_repeated_come_out_as_one_backfill(platform, tmp_path):
    other = Platform(tmp_path / "other")
    _fill(other.shop)
    other.ingest(days(1, 5))
    assert len(other.versions("orders")) == 9
    # The third day comes late, the second twice, the fourth is run before it is there.
    for day in (1, 2, 4, 5):
        _fill(platform.shop, only=day)
        platform.ingest(days(day))
        if day == 2:
            twice = platform.shop / "orders" / "2024-01-02 again.csv.gz"
            shutil.copy(platform.shop / "orders" / "2024-01-02.csv.gz", twice)
    _fill(platform.shop, only=3)
    for day in (5, 2, 2):
        platform.ingest(days(day))
    for name in ("orders", "products"):
        assert platform.versions(name) == other.versions(name), name


def test_readers_see_nothing_of_what_dlt_works_with(platform, tmp_path):
    """It is dropped when the warehouse is published. The next load finds what is gone all the same."""
    kept = Platform(tmp_path / "kept")
    warehouse = warehouse_of(platform.settings)
    schemas = "select distinct schema_name from duckdb_schemas() where schema_name like 'raw%'"
    deleted = 0
    for day in range(1, 4):
        for each in (platform, kept):
            _fill(each.shop, only=day)
            places = [{"country": "F", "state": f"{day - back}", "latitude": 46} for back in (0, 1)]
            path = write(each.shop / "places.csv", places)
            os.utime(path, (day * 86_400, day * 86_400))
            each.ingest(days(day))
        assert ("raw_webshop_staging",) in platform.query(schemas)
        with warehouse.writing(print):
            warehouse.publish()
        with duckdb.connect(platform.settings.published_path, read_only=True) as readers:
            assert readers.execute(schemas).fetchall() == [("raw_webshop",)]
        assert platform.loaded == kept.loaded
        deleted += platform.loaded["places"].deleted
    assert deleted == 2
    for name in ("orders", "products", "places"):
        assert platform.versions(name) == kept.versions(name), name


def test_it_is_told_how_many_rows_are_new(platform):
    _fill(platform.shop, only=1)
    platform.ingest(days(1))
    assert {name: (table.rows, table.new) for name, table in platform.loaded.items()} == {
        "orders": (1, 1),
        "products": (1, 1),
        "places": (1, 1),
    }
    _fill(platform.shop, only=2)
    platform.ingest(days(2))
    orders = platform.loaded["orders"]
    assert orders.rows == len(platform.versions("orders")) == 1 + orders.new
    platform.ingest(days(2))
    assert [table.new for table in platform.loaded.values()] == [0, 0, 0]


@fault(
    Area.INGESTION,
    "The process is killed while it loads rows",
    "The next run reads the same files again; every version is there once.",
)
def test_a_crash_while_rows_are_loaded_does_no_harm(platform, monkeypatch):
    """No late file counts as loaded of which the rows are not there. Those of the window are read anyway."""
    _fill(platform.shop, only=1)
    platform.ingest(days(1))
    _fill(platform.shop)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(platform, "_run", killed)
        with pytest.raises(KeyboardInterrupt):
            platform.ingest(days(5))
    platform.ingest(days(5))
    assert platform.query("select count(distinct order_id) from raw_webshop.orders") == [(5,)]
    assert len(platform.versions("orders")) == 9


@fault(
    Area.INGESTION,
    "The process is killed after the rows and before it has noted the files",
    "The files are read again, and nothing is doubled.",
)
def test_a_crash_before_the_memory_is_written_does_no_harm(platform):
    _fill(platform.shop)
    platform.ingest(days(1, 5))
    before = {name: platform.versions(name) for name in ("orders", "products", "places")}
    platform.query("delete from raw_webshop._drops")
    platform.ingest(days(5))
    assert {name: platform.versions(name) for name in before} == before
    assert platform.query("select count(*) from raw_webshop._drops") == [(11,)]


def test_a_table_that_was_dropped_is_filled_again(platform):
    _fill(platform.shop)
    platform.ingest(days(1, 5))
    before = platform.versions("orders")
    platform.query("drop table raw_webshop.orders")
    platform.ingest(days(5))
    assert platform.versions("orders") == before


def test_what_fills_a_large_table_first_lies_in_order_of_its_key(platform, monkeypatch):
    monkeypatch.setattr(load, "LARGE", 4)
    _fill(platform.shop)
    late = [order(9, "2024-01-02 09:00:00"), order(8, "2024-01-01 09:00:00")]
    write(platform.shop / "orders" / "2024-01-05 late.csv", late)
    platform.ingest(days(1, 5))
    in_order = "select order_id from raw_webshop.orders order by order_id, _modified_at"
    as_it_lies = "select order_id from raw_webshop.orders order by rowid"
    first = platform.query(in_order)
    assert platform.query(as_it_lies) == first
    assert len(first) == 11
    required = (
        "select column_name from duckdb_columns()"
        " where schema_name = 'raw_webshop' and table_name = 'orders' and not is_nullable"
    )
    assert platform.query(required) == [("order_id",), ("_row_hash",)]
    # What was there stays where it is.
    for number in range(10, 15):
        write(platform.shop / "orders" / f"2024-01-0{number % 5 + 1}x.csv", [order(number, "2024-01-01")])
    platform.ingest(days(6))
    rows = platform.query(as_it_lies)
    assert rows[:11] == first
    assert sorted(rows[11:]) == [(number,) for number in range(10, 15)]


@fault(
    Area.INGESTION,
    "Memory runs out while a large first load is put in order",
    "The table is as it was loaded, and no copy is left.",
)
def test_a_crash_while_rows_are_put_in_order_leaves_them_as_they_were(platform):
    _fill(platform.shop)
    platform.ingest(days(1, 5))
    before = platform.versions("orders")
    with warehouse_of(platform.settings).session() as execute:

        def failing(statement):
            if statement.startswith("drop table"):
                raise MemoryError
            return execute(statement)

        with pytest.raises(MemoryError):
            put_in_order(ORDERS, failing)
        execute("select 1")
    assert platform.versions("orders") == before
    assert platform.query("select count(*) from duckdb_tables() where table_name like '%as_loaded'") == [(0,)]


def test_dlt_runs_only_for_tables_with_news(platform):
    _fill(platform.shop)
    platform.ingest(days(1, 5))
    assert platform.loads == ["orders", "places", "products"]
    platform.ingest(days(6))
    assert platform.loads == []
    write(platform.shop / "orders" / "2024-01-07.csv", [order(7, "2024-01-07 12:00:00")])
    platform.ingest(days(7))
    assert platform.loads == ["orders"]


@fault(
    Area.INGESTION,
    "A file comes with other columns",
    "That file alone is refused and named; when it is sent again, it is loaded.",
)
def test_a_changed_layout_stops_its_file_only(platform):
    _fill(platform.shop)
    platform.ingest(days(1, 5))
    before = platform.versions("orders")
    write(platform.shop / "orders" / "2024-01-06.csv", [{"order_id": 6, "amount": 1}])
    write(platform.shop / "products" / "2024-01-06.csv", [{"id": 2, "name": "b", "price": 1}])
    extraction = platform.ingest(days(6))
    (said,) = extraction.source.refused(ORDERS)
    assert "orders/2024-01-06.csv was not loaded: it has no column status, created_at, shipped_at" in said
    assert extraction.errors == {}
    assert platform.versions("orders") == before
    assert len(platform.versions("products")) == 6
    write(platform.shop / "orders" / "2024-01-06.csv", [order(6, "2024-01-06 12:00:00")])
    assert platform.ingest(days(7)).source.refused(ORDERS) == []
    assert len(platform.versions("orders")) == len(before) + 1


def test_a_whole_file_that_changes(platform):
    """Rows come, go, and are again what they were: without a time of their own, without a drop's day."""

    def run(day, *latitudes):
        rows = [{"country": c, "state": "", "latitude": x} for c, x in zip("AB", latitudes, strict=False)]
        path = write(platform.shop / "places.csv", rows)
        os.utime(path, (day * 86_400, day * 86_400))
        platform.ingest(days(day), [PLACES])
        return platform.query("""
            select country, latitude from raw_webshop.places where _deleted_at is null
            qualify row_number() over (partition by country order by _modified_at desc, _loaded_at desc) = 1
            order by all
        """)

    assert run(1, 46.0, 7.0) == [("A", 46.0), ("B", 7.0)]
    assert run(2, 47.0, 7.0) == [("A", 47.0), ("B", 7.0)]
    assert run(3, 46.0, 7.0) == [("A", 46.0), ("B", 7.0)]
    # Only what is back counts as changed.
    changed = platform.query("select country, latitude, _changed_at from raw_webshop.places order by all")
    assert changed == [("A", 46.0, at(3)), ("A", 47.0, at(2)), ("B", 7.0, at(1))]
    assert run(4, 46.0) == [("A", 46.0)]
    assert {name: table.deleted for name, table in platform.loaded.items() if table.deleted} == {"places": 1}
    assert run(5, 46.0, 7.0) == [("A", 46.0), ("B", 7.0)]
    # A file that is half-written says nothing about what is gone.
    (platform.shop / "places.csv").write_text("country,state,latitude\nA,,46.0\nB,")
    platform.ingest(days(6), [PLACES])
    # Nor does one with a value of another type.
    write(platform.shop / "places.csv", [{"country": "A", "state": "", "latitude": "north"}])
    assert "'north': latitude is no double" in platform.ingest(days(7), [PLACES]).errors["places"]
    assert platform.query("select count(*) from raw_webshop.places where _deleted_at is not null") == [(0,)]
    # As many versions as there were different rows.
    assert platform.query("select count(*) from raw_webshop.places") == [(3,)]


def _newest(platform, what):
    """What a column says of a row, in the version that staging takes."""
    ((value,),) = platform.query(f"""
        select {what}
        qualify row_number() over (order by _modified_at desc nulls last, _loaded_at desc, _row_hash) = 1
    """)
    return value


def test_a_value_that_returns_in_a_whole_file(platform):
    """Delivered every night under the same name, in tables that are read by window."""

    def deliver(day, price, email):
        products = [{"id": 1, "name": "a", "price": price}, {"id": 2, "name": "b", "price": 1}]
        users = [{"id": 1, "email": email, "created_at": "2024-01-01 12:00:00"}]
        for name, rows in (("products", products), ("users", users)):
            os.utime(write(platform.shop / f"{name}.csv", rows), (day * 86_400, day * 86_400))

    def run(day):
        platform.ingest(days(day), [PRODUCTS, USERS])
        return (
            _newest(platform, "price from raw_webshop.products where id = 1"),
            _newest(platform, "email from raw_webshop.users"),
        )

    for day, said in enumerate([(10, "x"), (8, "y"), (10, "x"), (10, "x")], start=1):
        deliver(day, *said)
        assert run(day) == said
    # Killed before the memory was written, run again, and an old day: nothing changes.
    known = platform.versions("products")
    platform.query("delete from raw_webshop._drops")
    assert run(4) == run(1) == said
    assert platform.versions("products") == known
    # What it was like on which day stays known; what never changed is there once.
    history = "select id, price, _changed_at from raw_webshop.products order by id, _changed_at"
    assert platform.query(history) == [(1, 10, at(1)), (1, 8, at(2)), (1, 10, at(3)), (2, 1, at(1))]


def test_of_two_drops_of_a_day_the_one_written_last_counts(platform, tmp_path):
    other = Platform(tmp_path / "other")
    drops = {"2024-01-02": "a", "2024-01-02 corrected": "b", "2024-01-02 again": "a"}
    for number, (name, status) in enumerate(drops.items(), start=1):
        rows = [order(1, "2024-01-02 12:00:00", status=status)]
        for each in (platform, other):
            os.utime(write(each.shop / "orders" / f"{name}.csv", rows), (number, number))
        # One run a night, and the day's own once more.
        platform.ingest(days(1 + number), [ORDERS])
        platform.ingest(days(2), [ORDERS])
        assert _newest(platform, "status from raw_webshop.orders") == status
        if number > 1:
            # From nothing.
            other.settings.duckdb_path.unlink(missing_ok=True)
            other.ingest(days(2), [ORDERS])
            assert _newest(other, "status from raw_webshop.orders") == status


def test_what_is_absent_is_empty_and_typed(platform):
    write(platform.shop / "orders" / "2024-01-01.csv", [order(1, "2024-01-01 12:00:00")])
    extraction = platform.ingest(days(1))
    assert extraction.located == {"orders"}
    assert platform.versions("products") == platform.versions("places") == []
    assert platform.query(
        "select column_name, data_type from duckdb_columns() where table_name = 'products'"
        " and schema_name = 'raw_webshop' order by column_index"
    ) == [
        ("id", "BIGINT"),
        ("name", "VARCHAR"),
        ("price", "DECIMAL(19,4)"),
        ("_modified_at", "TIMESTAMP"),
        ("_changed_at", "TIMESTAMP"),
        ("_loaded_at", "TIMESTAMP"),
        ("_row_hash", "BIGINT"),
        ("_deleted_at", "TIMESTAMP"),
    ]


def test_a_new_column_of_the_contract_comes_with_the_next_run(platform):
    write(platform.shop / "products" / "2024-01-01.csv", [{"id": 1, "name": "a", "price": 1, "brand": "x"}])
    platform.ingest(days(1))
    wider = replace(PRODUCTS, columns=(*PRODUCTS.columns, SourceColumn("brand", "varchar", "", False)))
    # On a day without news too: what is built on raw knows the column.
    platform.ingest(days(2), [ORDERS, wider, PLACES])
    assert platform.query("select id, brand from raw_webshop.products") == [(1, None)]
    write(platform.shop / "products" / "2024-01-03.csv", [{"id": 2, "name": "b", "price": 1, "brand": "y"}])
    platform.ingest(days(3), [ORDERS, wider, PLACES])
    assert platform.query("select id, brand from raw_webshop.products order by id") == [(1, None), (2, "y")]


def test_sql_tables_without_a_time_of_change(platform):
    """A snapshot whose rows return to earlier values; nothing is loaded when nothing has changed."""
    database = platform.settings.home / "sources" / "crm.sqlite"
    database.parent.mkdir(parents=True)
    with sqlite3.connect(database) as crm:
        crm.execute("create table channels (id integer, name text)")
        crm.execute("create table touches (id integer, kind text, modified_at datetime)")
        crm.execute("insert into channels values (1, 'a')")
    for day, name in enumerate("abbab", start=1):
        with sqlite3.connect(database) as crm:
            crm.execute("update channels set name = ?", [name])
        platform.ingest(days(day), [CHANNELS, TOUCHES])
        assert platform.loads == ([] if day == 3 else ["channels"])
        newest = "select name from raw_crm.channels order by _loaded_at desc limit 1"
        assert platform.query(newest) == [(name,)]


@fault(Area.MACHINE, "The machine's clock is ahead for a night", "Later readings count.")
@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=400)])
def test_a_clock_that_was_ahead_for_a_night_wins_only_that_night(platform, monkeypatch, ahead):
    """Later readings count, though the clock says that they were before."""
    database = platform.settings.home / "sources" / "crm.sqlite"
    database.parent.mkdir(parents=True)
    with sqlite3.connect(database) as crm:
        crm.execute("create table channels (id integer, name text)")
        crm.execute("create table touches (id integer, kind text, modified_at datetime)")
        crm.execute("insert into channels values (1, 'right')")
        crm.execute("insert into touches values (1, 'right', '2024-01-01 10:00:00')")
    platform.ingest(days(1), [CHANNELS, TOUCHES])
    for day, value, is_ahead in ((2, "ahead", True), (3, "mended", False), (4, "newest", False)):
        with sqlite3.connect(database) as crm:
            crm.execute("update channels set name = ?", [value])
            # Its time of change does not say that it changed.
            crm.execute("update touches set kind = ?", [value])
        with monkeypatch.context() as patch:
            if is_ahead:
                moment = datetime.now(UTC) + ahead
                patch.setattr("retail_assets.ingestion.extraction.datetime", _clock(moment))
            platform.ingest(days(1, day), [CHANNELS, TOUCHES])
        for table_name, column in (("channels", "name"), ("touches", "kind")):
            order = "_modified_at desc nulls last, _loaded_at desc nulls last"
            newest = f"select {column} from raw_crm.{table_name} order by {order} limit 1"
            assert platform.query(newest) == [(value,)]


def _clock(moment):
    """A machine's clock that stands."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    return Clock


@fault(
    Area.INGESTION,
    "A table has lost most of its rows",
    "That table stays as it was and says what to do; the others load.",
)
def test_a_table_that_lost_too_much_stops_itself_only(platform):
    """And the remedy that the error names is complete."""
    shops = table("a_shops", {"id": "bigint", "name": "varchar"}, load="snapshot")
    tables = [shops, PLACES]

    def run(day, *, shops_left, places_left):
        write(platform.shop / "a_shops.csv", [{"id": n, "name": "x"} for n in range(shops_left)])
        places = [{"country": n, "state": "", "latitude": 1} for n in range(places_left)]
        write(platform.shop / "places.csv", places)
        return platform.ingest(days(day), tables).errors

    def deleted(name):
        return platform.query(f"select count(*) from raw_webshop.{name} where _deleted_at = '2024-01-02'")

    assert run(1, shops_left=30, places_left=3) == {}
    errors = run(2, shops_left=10, places_left=2)
    assert "a_shops has lost 20 of its 30 rows at once" in errors["a_shops"]
    assert set(errors) == {"a_shops"}
    assert (deleted("a_shops"), deleted("places")) == ([(0,)], [(1,)])
    # Its file is read again with the next run.
    loaded = "select table_name, rows_loaded from raw_webshop._drops order by all"
    assert platform.query(loaded) == [("a_shops", 30), ("places", 2)]

    platform.query(errors["a_shops"].splitlines()[-1])
    assert platform.ingest(days(2), tables).errors == {}
    assert deleted("a_shops") == [(20,)]
    assert platform.query(loaded) == [("a_shops", 10), ("places", 2)]


def test_each_system_has_its_settings(tmp_path):
    settings = Settings(home=tmp_path)
    assert settings.systems == SYSTEMS
    for system in SYSTEMS:
        assert getattr(settings, f"{system}_url") == ""
        changes: dict[str, Any] = {f"{system}_url": "elsewhere"}
        changed = Settings(home=tmp_path, **changes)
        assert changed.source_url(system) == "elsewhere"
    assert settings.source_url("crm") == f"sqlite:///{tmp_path}/sources/crm.sqlite"
    assert settings.source_url("webshop") == f"{tmp_path}/sources/webshop"


@pytest.mark.parametrize("tables", [TABLES, [CHANNELS, TOUCHES]])
def test_a_system_that_is_not_there_says_what_to_do(platform, tables):
    name = f"RETAIL_{tables[0].system.upper()}_URL"
    with pytest.raises(SourceError, match=name):
        platform.ingest(days(1), tables)


def test_amounts_are_exact(platform):
    write(platform.shop / "orders.csv", [order(1, "2024-01-01", amount="99999999999999.9999")])
    platform.ingest(days(1))
    assert platform.query("select amount from raw_webshop.orders") == [(Decimal("99999999999999.9999"),)]


REFUSED = (
    "select origin, column_name, value from raw_webshop._refused_rows where _deleted_at is null order by all"
)


def test_a_refused_row_stays_refused_until_its_file_is_corrected(platform):
    path = platform.shop / "orders" / "2024-01-02.csv"
    good, bad = order(1, "2024-01-02 12:00:00"), order(2, "2024-01-02 13:00:00", amount="a lot")
    write(path, [good, bad])
    write(platform.shop / "orders" / "2024-01-02 more.csv", [order(3, "2024-01-02 14:00:00")])
    extraction = platform.ingest(days(2))
    assert platform.query("select order_id from raw_webshop.orders order by all") == [(1,), (3,)]
    assert platform.query(REFUSED) == [("orders/2024-01-02.csv, line 3", "amount", "a lot")]
    assert [some.origin for some in extraction.refused] == ["orders/2024-01-02.csv, line 3"]
    # The file counts as read; what is refused is not forgotten.
    extraction = platform.ingest(days(3))
    assert platform.loads == []
    assert not extraction.refusals.of(ORDERS)
    assert [some.rows for some in extraction.refused] == [1]
    write(path, [good, bad | {"amount": "2.5"}])
    platform.ingest(days(4))
    assert platform.query(REFUSED) == []
    assert platform.query("select order_id from raw_webshop.orders order by all") == [(1,), (2,), (3,)]


@fault(Area.INGESTION, "A file cannot be read", "The other files load; it is tried again in every run.")
def test_a_refused_file_stops_nothing_else_and_is_tried_again(platform):
    header = "order_id,status,status,amount,created_at,shipped_at\n"
    path = platform.shop / "orders" / "x.csv"
    write(path, [order(1, "2024-01-02")])
    path.write_text(header + "1,a,b,1,2024-01-02,\n")
    write(platform.shop / "orders" / "y.csv", [order(2, "2024-01-02")])
    write(platform.shop / "products.csv", [{"id": 1, "name": "a", "price": 1}])
    for _ in range(2):
        extraction = platform.ingest(days(2))
        assert extraction.errors == {}
        assert "orders/x.csv was not loaded" in extraction.source.refused(ORDERS)[0]
        assert platform.query("select order_id from raw_webshop.orders") == [(2,)]
        assert platform.query("select id from raw_webshop.products") == [(1,)]
    write(path, [order(1, "2024-01-02")])
    assert platform.ingest(days(2)).source.refused(ORDERS) == []
    assert platform.query("select order_id from raw_webshop.orders order by all") == [(1,), (2,)]


def test_a_home_of_before_checksums_goes_on(platform):
    _fill(platform.shop)
    platform.ingest(days(1, 5))
    for name in ("changed", "checksum", "left_out"):
        platform.query(f"alter table raw_webshop._drops drop column {name}")
    platform.ingest(days(6))
    assert platform.loads == []
    (platform.shop / "places.csv").touch()
    platform.ingest(days(7))
    known = "select path from raw_webshop._drops where checksum <> ''"
    assert platform.query(known) == [("places.csv",)]
    # It was renamed: what is known is known by the new name too.
    (platform.shop / "places.csv").rename(platform.shop / "Places.CSV")
    platform.ingest(days(8))
    assert platform.loads == []
    assert platform.query(f"{known} order by all") == [("Places.CSV",), ("places.csv",)]


def test_times_without_a_zone_are_of_the_systems(platform):
    platform.settings = Settings(home=platform.settings.home, webshop_timezone="America/New_York")
    write(
        platform.shop / "orders.csv", [order(1, "2024-01-02 22:00:00"), order(2, "2024-01-02 22:00:00 UTC")]
    )
    platform.ingest(days(2))
    assert platform.query("select order_id from raw_webshop.orders") == [(2,)]
    # In New York it is the same evening still.
    platform.ingest(days(3))
    assert platform.query("select created_at from raw_webshop.orders where order_id = 1") == [(at(3, 3),)]


def test_a_file_with_a_stamp_of_the_far_future_is_loaded_and_told(platform):
    write(platform.shop / "orders.csv", [order(1, "2024-01-02 12:00:00"), order(2, "2201-06-01 10:00:00")])
    extraction = platform.ingest(days(2))
    assert platform.query("select order_id from raw_webshop.orders order by 1") == [(1,), (2,)]
    told = [each.sentence for each in problems_of(extraction, ORDERS) if each.kind == "unbelievable"]
    assert told == [
        "webshop: 1 row of orders (orders) cannot have changed at the time written (created_at, shipped_at"
        " 2201-06-01), such as order_id=2: loaded all the same, with the window that reads it. Correct the"
        " time at the source."
    ]


def test_a_key_that_two_files_have_is_told(platform):
    """Two branches that both number from 1; and a file that was sent twice, which is no matter."""
    noon = "2024-01-02 12:00:00"
    north = [order(1, noon, amount="10.25"), order(2, noon, amount="4.5"), order(3, noon)]
    south = [order(1, noon, amount="99"), order(2, noon, amount="98"), order(3, noon)]
    for hour, (branch, rows) in enumerate({"north": north, "south": south, "copy": south}.items()):
        path = platform.shop / "orders" / f"{branch}.csv"
        write(path, rows)
        os.utime(path, (1704240000 + hour, 1704240000 + hour))
    worth = replace(ORDERS, amount="amount")
    extraction = platform.ingest(days(2), [worth])
    told = [each.sentence for each in problems_of(extraction, worth) if each.kind == "repeated"]
    assert told == [
        "webshop: 2 keys of orders (orders) are in more than one file, such as order_id=1: with the same time"
        " and other values, the file that was written last counts; the others, 14.75, do not."
    ]
    # Files of other days are what became of an order.
    write(platform.shop / "orders" / "2024-01-03.csv", [order(1, noon, status="Returned", amount="99")])
    extraction = platform.ingest(days(3), [worth])
    assert extraction.repeated == {}
