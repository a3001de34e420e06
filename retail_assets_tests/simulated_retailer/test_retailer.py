"""The simulated retailer keeps its promises: repeatable, exact to the digit, true to its truths."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulated_retailer import Retailer, simulate, write_sqlite, write_truth
from simulated_retailer.erp.schema import ERP

START = date(2024, 1, 1)


def _utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


MOMENTS = [_utc(2024, 1, 1), _utc(2024, 2, 29), _utc(2024, 7, 15, 13), None]

any_retailer = given(
    consumers=st.integers(1, 300), days=st.integers(1, 90), seed=st.integers(0, 2**64)
)  # fmt: skip
few = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def retailer() -> Retailer:
    return simulate(start=START)


@pytest.fixture(scope="module")
def sql(retailer: Retailer) -> Iterator[duckdb.DuckDBPyConnection]:
    """All versions of all tables, and the truths as truth_<name>."""
    with _connect(retailer) as connection:
        yield connection


@pytest.fixture(scope="module")
def busy(busy_retailer: Retailer) -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop busy enough to measure shares, with `sold`: its lines as they were ordered.

    Only of products that are sold all the time: others move shares by coming and going.
    """
    with _connect(busy_retailer) as connection:
        connection.execute(
            """
            create table sold as
            select d."ProductID", left("ProductNumber", 2) as line, "OrderQty" as pieces,
                   d."SpecialOfferID", "UnitPriceDiscount" as discount,
                   placed, "PurchaseOrderNumber" is not null as reseller
            from "SalesOrderDetail" d
            join "SalesOrderHeader" h using ("SalesOrderID")
            join (
                select "SalesOrderID", min("ModifiedDate") as placed
                from "SalesOrderHeader" group by all
            ) using ("SalesOrderID")
            join "Product" p on p."ProductID" = d."ProductID"
            where h._until is null and d._until is null and p._until is null
              and "SellStartDate" < timestamp '2024-01-01' and "SellEndDate" is null
            """
        )
        yield connection


def _connect(retailer: Retailer) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, table in retailer.versions["erp"].items():
        connection.register(name, table)
    for name, table in retailer.truth.items():
        connection.register(f"truth_{name}", table)
    return connection


def _standing(table: str, moment: datetime | None) -> str:
    """What the ERP holds just before `moment`, told without the code under test."""
    if moment is None:
        return f'(select * exclude (_until) from "{table}" where _until is null)'
    at = f"timestamp '{moment:%Y-%m-%d %H:%M:%S}'"
    return (
        f'(select * exclude (_until) from "{table}" where "ModifiedDate" < {at}'
        f" and coalesce(_until, timestamp 'infinity') >= {at})"
    )


def _read(path: Path, table: str) -> list[tuple[Any, ...]]:
    order = ", ".join(ERP.primary_key(table))
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f'select * from "{table}" order by {order}').fetchall()


# -- the same bytes ------------------------------------------------------------------------------


@few
@any_retailer
def test_same_arguments_same_bytes(tmp_path: Path, consumers: int, days: int, seed: int) -> None:
    first, second = (simulate(consumers=consumers, days=days, seed=seed, start=START) for _ in range(2))
    assert first.versions == second.versions
    assert first.truth == second.truth
    for as_of in (None, _utc(2024, 1, 20)):
        write_sqlite(first, tmp_path / "first", as_of=as_of)
        write_sqlite(second, tmp_path / "second", as_of=as_of)
        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_another_seed_is_another_world() -> None:
    one, other = (simulate(consumers=50, days=30, seed=seed, start=START) for seed in (1, 2))
    assert one.versions["erp"]["SalesOrderHeader"] != other.versions["erp"]["SalesOrderHeader"]


@pytest.mark.parametrize("size", [{"consumers": 0}, {"days": 0}])
def test_an_empty_world_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 consumer and 1 day"):
        simulate(start=START, **size)


# -- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ERP.tables)
def test_versions_of_a_row_follow_each_other(sql: duckdb.DuckDBPyConnection, table: str) -> None:
    key = ", ".join(ERP.primary_key(table))
    wrong = sql.execute(
        f"""
        select count(*) from (
            select *, lead("ModifiedDate") over (partition by {key} order by "ModifiedDate") as next
            from "{table}"
        )
        where _until <= "ModifiedDate"                       -- lasts no time
           or next is not null and _until is distinct from next  -- gap, overlap or tie
        """
    ).fetchone()
    assert wrong == (0,)


@few
@any_retailer
def test_nothing_happens_outside_the_period(consumers: int, days: int, seed: int) -> None:
    small_retailer = simulate(consumers=consumers, days=days, seed=seed, start=START)
    end = START + timedelta(days=days)
    with _connect(small_retailer) as sql:
        for table in ERP.tables:
            late = sql.execute(
                f'select count(*) from "{table}" where "ModifiedDate" >= ? or _until >= ?',
                [end, end],
            ).fetchone()
            assert late == (0,), table
        early = 'select count(*) from "SalesOrderHeader" where least("OrderDate", ?) < ?'
        assert sql.execute(early, [START, START]).fetchone() == (0,)


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_erp_at_a_moment_is_a_filter(
    retailer: Retailer, sql: duckdb.DuckDBPyConnection, tmp_path: Path, moment: datetime | None
) -> None:
    write_sqlite(retailer, tmp_path / "erp.sqlite", as_of=moment)
    for table in ERP.tables:
        key = ", ".join(ERP.primary_key(table))
        modified = """strftime("ModifiedDate", '%Y-%m-%d %H:%M:%S.%f')"""
        keys = ", ".join(
            f"strftime({name}, '%Y-%m-%d %H:%M:%S.%f')" if "Date" in name else name
            for name in ERP.primary_key(table)
        )
        expected = sql.execute(
            f"select {keys}, {modified} from {_standing(table, moment)} order by {key}"
        ).fetchall()
        with closing(sqlite3.connect(tmp_path / "erp.sqlite")) as erp:
            found = erp.execute(f'select {key}, "ModifiedDate" from "{table}" order by {key}').fetchall()
        assert found == expected, table


def test_time_only_adds_changes(retailer: Retailer, tmp_path: Path) -> None:
    """From one moment to the next, a row is as it was unless its ModifiedDate says otherwise."""
    before, after = _utc(2024, 5, 1), _utc(2024, 5, 2)
    for path, moment in (("before", before), ("after", after)):
        write_sqlite(retailer, tmp_path / path, as_of=moment)
    for table in ERP.tables:
        old, new = (set(_read(tmp_path / path, table)) for path in ("before", "after"))
        moved = {row[-1] for row in new - old}
        assert all("2024-05-01" <= moment < "2024-05-02" for moment in moved), table
        assert moved or table not in ("SalesOrderHeader", "SalesOrderDetail", "SalesReturn")


# -- money ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_headers_are_the_sum_of_their_lines(sql: duckdb.DuckDBPyConnection, moment: datetime | None) -> None:
    """For every order, but those with a wrong line, whose headers are right."""
    wrong = sql.execute(
        f"""
        select count(*)
        from {_standing("SalesOrderHeader", moment)} h
        left join (
            select "SalesOrderID", sum("LineTotal") as lines
            from {_standing("SalesOrderDetail", moment)} group by all
        ) using ("SalesOrderID")
        where "SubTotal" != round(coalesce(lines, 0), 4)
          and "SalesOrderID" not in (
              select (key::json ->> 'SalesOrderID')::int
              from truth_faults where "table" = 'SalesOrderDetail'
          )
        """
    ).fetchone()
    assert wrong == (0,)


def test_amounts_of_a_row_agree(sql: duckdb.DuckDBPyConnection) -> None:
    for condition, table in (
        ('"TotalDue" != "SubTotal" + "TaxAmt" + "Freight"', "SalesOrderHeader"),
        ('"SubTotal" < 0 or "TaxAmt" < 0 or "Freight" < 0', "SalesOrderHeader"),
        (
            '"LineTotal" != "UnitPrice" * (1 - "UnitPriceDiscount"::decimal(6, 2)) * "OrderQty"',
            "SalesOrderDetail",
        ),
    ):
        found = sql.execute(f'select count(*) from "{table}" where {condition}').fetchone()
        assert found == (0,), condition


def test_people_pay_the_list_price_of_the_day(retailer: Retailer, sql: duckdb.DuckDBPyConnection) -> None:
    """And stores 60 % of it."""
    off = sql.execute(
        """
        with placed as (
            select "SalesOrderID", min("ModifiedDate") as moment,
                   any_value("PurchaseOrderNumber") as po
            from "SalesOrderHeader" group by all
        )
        select count(*), count(*) filter (
            "UnitPrice" != round("ListPrice" * if(po is null, 1.0, 0.6), 4)
        )
        from "SalesOrderDetail" d join placed using ("SalesOrderID")
        join "ProductListPriceHistory" p on p."ProductID" = d."ProductID"
             and moment >= p."StartDate"
             and moment < coalesce(p."EndDate" + interval 1 day, 'infinity')
             and p._until is null
        """
    ).fetchone()
    assert off == (retailer.versions["erp"]["SalesOrderDetail"].num_rows, 0)


def test_sqlite_gives_every_amount_back(
    retailer: Retailer, sql: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_sqlite(retailer, tmp_path / "erp.sqlite")
    for table, digits in {"SalesOrderHeader": 4, "SalesOrderDetail": 6, "SalesReturn": 4}.items():
        amounts = [f.name for f in ERP.tables[table] if str(f.type).startswith("decimal")]
        columns, key = ", ".join(amounts), ", ".join(ERP.primary_key(table))
        exact = sql.execute(f"select {columns} from {_standing(table, None)} order by {key}").fetchall()
        with closing(sqlite3.connect(tmp_path / "erp.sqlite")) as erp:
            floats = erp.execute(f'select {columns} from "{table}" order by {key}').fetchall()
        assert [tuple(Decimal(f"{x:.{digits}f}") for x in row) for row in floats] == exact


# -- what happens --------------------------------------------------------------------------------


def test_an_order_may_lose_its_only_line(sql: duckdb.DuckDBPyConnection) -> None:
    emptied = sql.execute(
        f"""
        select "SubTotal", "TaxAmt", "Freight", "TotalDue", h."ModifiedDate" = d._until
        from {_standing("SalesOrderHeader", None)} h
        join "SalesOrderDetail" d using ("SalesOrderID")
        where "SalesOrderID" not in (
            select "SalesOrderID" from {_standing("SalesOrderDetail", None)}
        )
        qualify row_number() over (partition by "SalesOrderID" order by _until desc) = 1
        """
    ).fetchall()
    assert len(emptied) >= 5
    assert {row[:4] for row in emptied} == {(0, 0, 0, 0)}
    assert any(row[4] for row in emptied)


def test_lines_and_headers_move_in_the_same_instant(sql: duckdb.DuckDBPyConnection) -> None:
    """A run that looks at headers by ModifiedDate sees every order whose lines changed."""
    moves = """
        select "SalesOrderID", "ModifiedDate" as moment from "SalesOrderDetail"
        union all
        select "SalesOrderID", _until from "SalesOrderDetail" where _until is not null
    """
    alone = sql.execute(
        f"""
        select count(*) from ({moves}) anti join (
            select "SalesOrderID", "ModifiedDate" as moment from "SalesOrderHeader"
        ) using ("SalesOrderID", moment)
        """
    ).fetchone()
    assert alone == (0,)


def test_late_changes_of_every_kind_happen(sql: duckdb.DuckDBPyConnection) -> None:
    (orders, redated, requantified, removed), *_ = sql.execute(
        """
        with h as (
            select "SalesOrderID", count(distinct "OrderDate") > 1 as redated
            from "SalesOrderHeader" group by all
        ), d as (
            select "SalesOrderDetailID", count(distinct "OrderQty") > 1 as requantified,
                   max(_until) is not null and bool_and(_until is not null) as removed
            from "SalesOrderDetail" group by all
        )
        select (select count(*) from h), (select count(*) from h where redated),
               (select count(*) from d where requantified), (select count(*) from d where removed)
        """
    ).fetchall()
    assert redated / orders == pytest.approx(0.002, abs=0.0015)
    assert requantified / orders == pytest.approx(0.010, abs=0.004)
    assert removed / orders == pytest.approx(0.005, abs=0.002)


def test_returns_are_of_shipped_orders_and_of_what_was_bought(
    sql: duckdb.DuckDBPyConnection,
) -> None:
    wrong = sql.execute(
        """
        select count(*)
        from "SalesReturn" r
        left join "SalesOrderHeader" h on h."SalesOrderID" = r."SalesOrderID"
             and h."Status" = 5 and h."ShipDate" < r."ModifiedDate" and h._until is null
        left join "SalesOrderDetail" d using ("SalesOrderDetailID")
        where h."SalesOrderID" is null or d."OrderQty" is null or r."Quantity" > d."OrderQty"
           or r."Quantity" > 0 and
              abs(r."RefundAmount" - d."LineTotal" * r."Quantity" / d."OrderQty") > 0.00005001
        """
    ).fetchone()
    assert wrong == (0,)


def test_every_order_has_a_customer_who_came_first(sql: duckdb.DuckDBPyConnection) -> None:
    wrong = sql.execute(
        """
        select count(*) from "SalesOrderHeader" h
        anti join "Customer" c on c."CustomerID" = h."CustomerID"
             and c."ModifiedDate" < h."ModifiedDate"
        where h."CustomerID" is not null
        """
    ).fetchone()
    assert wrong == (0,)


def test_customers_are_people_stores_and_people_at_stores(sql: duckdb.DuckDBPyConnection) -> None:
    (both, stores, people, missing), *_ = sql.execute(
        f"""
        select count(*) filter ("PersonID" is not null and "StoreID" is not null),
               count(*) filter ("StoreID" is not null), count("PersonID"),
               count("PersonID") - count("BusinessEntityID")
        from {_standing("Customer", None)}
        left join {_standing("Person", None)} on "BusinessEntityID" = "PersonID"
        """
    ).fetchall()
    assert stores == 2000 // 40
    assert 0 < both < stores
    assert missing / people == pytest.approx(0.02, abs=0.01)


# -- truths --------------------------------------------------------------------------------------


def test_recorded_faults_are_the_faults(sql: duckdb.DuckDBPyConnection) -> None:
    found = set()
    for table, reason, condition in (
        ("SalesOrderDetail", "quantity is zero", '"OrderQty" = 0'),
        ("SalesReturn", "quantity is zero", '"Quantity" <= 0'),
        ("SalesReturn", "return date is missing", '"ReturnDate" is null'),
    ):
        key = ERP.primary_key(table)
        rows = sql.execute(f'select {", ".join(key)} from "{table}" where {condition}').fetchall()
        assert len(rows) >= 2, (table, reason)
        found |= {(table, json.dumps(dict(zip(key, row, strict=True))), reason) for row in rows}
    recorded = sql.execute(
        """select "table", key, reason from truth_faults where system = 'erp'"""
    ).fetchall()
    assert len(recorded) == len(set(recorded))
    assert set(recorded) == found


# Each offer's lines of products, by the start of their numbers, and lines of the same category
# (so with the same season) that nothing else moves: neither on offer nor pulled by a companion.
@pytest.mark.parametrize(
    ("offer", "offered", "steady"),
    [
        (2, "KN", "PN"),
        (3, "PL", "HS"),
        (3, "HT", "HS"),
        (4, "BP", "OR"),
        (5, "SB", "CS"),
        (5, "HS", "HT"),
        (6, "PN", "KN"),
        (7, "TN", "SB"),
    ],
)
def test_offers_really_add_what_they_are_said_to_add(
    busy: duckdb.DuckDBPyConnection, offer: int, offered: str, steady: str
) -> None:
    planted, during, otherwise = busy.execute(
        """
        select any_value(uplift),
               sum(pieces) filter (during and line = $offered)
                   / sum(pieces) filter (during and line = $steady),
               sum(pieces) filter (not during and line = $offered)
                   / sum(pieces) filter (not during and line = $steady)
        from (
            select pieces, line, uplift, placed >= "StartDate" and placed < "EndDate" as during
            from sold
            join "SpecialOffer" o on reseller = (o."Category" = 'Reseller')
            join truth_offers t on t."SpecialOfferID" = o."SpecialOfferID"
            where o."SpecialOfferID" = $offer
        )
        """,
        {"offer": offer, "offered": offered, "steady": steady},
    ).fetchall()[0]
    assert during / otherwise == pytest.approx(planted, rel=0.15)


def test_lines_carry_the_offer_that_runs(busy: duckdb.DuckDBPyConnection) -> None:
    """All lines of an offered product while the offer runs, and no others."""
    wrong = busy.execute(
        """
        select count(*) from sold s join "SpecialOffer" o using ("SpecialOfferID")
        where s.discount != o."DiscountPct" or placed < o."StartDate" or placed >= o."EndDate"
           or "SpecialOfferID" = 1 and exists (
               select 1 from "SpecialOffer" x join "SpecialOfferProduct" p using ("SpecialOfferID")
               where p."ProductID" = s."ProductID" and x."SpecialOfferID" > 1
                 and placed >= x."StartDate" and placed < x."EndDate"
                 and reseller = (x."Category" = 'Reseller')
           )
        """
    ).fetchone()
    assert wrong == (0,)


def test_companions_are_bought_together(sql: duckdb.DuckDBPyConnection) -> None:
    together = sql.execute(
        """
        with baskets as (select distinct "SalesOrderID", "ProductID" from "SalesOrderDetail")
        select count(*) filter (exists (
            select 1 from baskets other where other."SalesOrderID" = b."SalesOrderID"
            and other."ProductID" = c."CompanionProductID"
        )) / count(*)
        from baskets b join truth_companions c using ("ProductID")
        """
    ).fetchone()
    assert together is not None
    assert together[0] > 0.08  # by chance it would be about 0.02


def test_who_stopped_orders_no_more(sql: duckdb.DuckDBPyConnection) -> None:
    late = sql.execute(
        """
        select count(*) from "SalesOrderHeader" join truth_consumers using ("CustomerID")
        where "OrderDate" >= "StopsAt"
        """
    ).fetchone()
    assert late == (0,)


def test_true_addresses_are_the_typed_ones_cleaned(sql: duckdb.DuckDBPyConnection) -> None:
    (typed, different, unique), *_ = sql.execute(
        """
        select count(*), count(*) filter (t."EmailAddress" != trim(lower(e."EmailAddress"))),
               count(distinct t."EmailAddress")
        from "EmailAddress" e join truth_consumers t on t."PersonID" = e."BusinessEntityID"
        """
    ).fetchall()
    assert (different, unique) == (0, typed)


# -- files ---------------------------------------------------------------------------------------


def test_the_file_is_declared_and_stored_like_adventureworks(retailer: Retailer, tmp_path: Path) -> None:
    write_sqlite(retailer, tmp_path / "new" / "folders" / "erp.sqlite")
    with closing(sqlite3.connect(tmp_path / "new" / "folders" / "erp.sqlite")) as erp:
        declared = {
            name: (kind, key)
            for _, name, kind, _, _, key in erp.execute('pragma table_info("SalesOrderDetail")')
        }
        assert declared["SalesOrderID"] == ("INTEGER", 1)
        assert declared["SalesOrderDetailID"] == ("INTEGER", 2)
        assert declared["UnitPrice"] == ("NUMERIC(19, 4)", 0)
        assert declared["LineTotal"] == ("NUMERIC(38, 6)", 0)
        assert declared["ModifiedDate"] == ("DATETIME", 0)
        stored = """
            select distinct typeof("OrderDate"), length("OrderDate"), typeof("OnlineOrderFlag"),
                   "OnlineOrderFlag" in (0, 1), typeof("TotalDue") in ('real', 'integer')
            from "SalesOrderHeader"
        """
        assert erp.execute(stored).fetchall() == [("text", 26, "integer", 1, 1)]
        assert erp.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_a_failed_write_leaves_the_old_file(retailer: Retailer, tmp_path: Path) -> None:
    path = tmp_path / "erp.sqlite"
    path.write_bytes(b"yesterday")
    broken = replace(
        retailer, versions={"erp": {k: v for k, v in retailer.versions["erp"].items() if k != "SalesReturn"}}
    )
    with pytest.raises(KeyError, match="SalesReturn"):
        write_sqlite(broken, path)
    assert path.read_bytes() == b"yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_truths_are_written_as_parquet(retailer: Retailer, tmp_path: Path) -> None:
    write_truth(retailer, tmp_path / "truth")
    written = {path.stem: pq.read_table(path) for path in (tmp_path / "truth").iterdir()}
    assert written == dict(retailer.truth)
