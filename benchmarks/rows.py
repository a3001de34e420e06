"""What is compared with what, and how it should come out."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.breakdown import Part, breakdown
from benchmarks.home import DAY, LAST_DAY, Home, Retailer, built, parsed, simulated
from benchmarks.measure import Comparison, Measured, Usage, alternate, compare, python
from benchmarks.sql_server import arrow_against_rows
from benchmarks.work import LINES, ORDERS


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    ingested_consumers: int  # over one year; 62,000 of them buy 1,000,000 order lines
    consumers: int
    days_of_a_year: int
    days_of_ten_years: int
    rounds: int
    # Of all six systems, consumers and days: 1,000,000 and 10,000,000 order lines, as many on the last days.
    companies: tuple[tuple[int, int], tuple[int, int]]
    segmented_consumers: int  # of all six systems; 1,000,000 are known to them after six weeks
    segmented_days: int
    lines_of_sql_server: int


FULL = Sizes(62_000, 2_000, 365, 3_650, 3, ((41_000, 257), (29_000, 3_650)), 956_000, 42, 400_000)
QUICK = Sizes(2_000, 200, 30, 120, 1, ((400, 60), (300, 120)), 2_000, 42, 100_000)


@dataclass(frozen=True)
class Row:
    """One comparison, with its target."""

    what: str
    baseline: str
    measured: Comparison
    bound: Literal["at most", "at least"]
    target: float

    @property
    def ratio(self) -> float:
        """As the target has it: how many times as long, or how many times as fast."""
        return self.measured.ratio if self.bound == "at most" else 1 / self.measured.ratio

    @property
    def met(self) -> bool:
        return self.ratio <= self.target if self.bound == "at most" else self.ratio >= self.target


def all_rows(folder: Path, sizes: Sizes) -> Iterator[Row | list[Part]]:
    """Measure everything, one row after the other, and where a daily run's time goes."""
    year, _ = simulated(folder / "year", sizes.consumers, sizes.days_of_a_year)
    one, _ = built(folder / "one", year, LAST_DAY - DAY)
    yield from _imports(one, sizes)
    yield from _daily(one, sizes)
    yield breakdown(one, sizes.rounds)
    yield from _year(folder, year, one, sizes)
    yield from _history(folder, one, sizes)
    yield from _ingestion(folder, sizes)
    yield from sql_server(sizes)


def _imports(home: Home, sizes: Sizes) -> Iterator[Row]:
    def starting(code: str) -> Measured:
        return lambda: python("-c", code, environment=home.environment)

    usages = alternate(
        starting("from retail_assets.definitions import defs; defs()"),
        starting("import dagster, dagster_dbt, dagster_dlt"),
        rounds=sizes.rounds,
    )
    yield Row(
        "Loading the definitions",
        "importing dagster, dagster_dbt and dagster_dlt",
        compare(*usages),
        "at most",
        1.3,
    )


def _daily(home: Home, sizes: Sizes) -> Iterator[Row]:
    def ours() -> Usage:
        with home.copied() as copy:
            return copy.backfill(LAST_DAY, LAST_DAY)

    def without_dagster() -> Usage:
        with home.copied() as copy:
            return copy.ingest(LAST_DAY, LAST_DAY) + copy.dbt_build(LAST_DAY)

    measured = compare(*alternate(ours, without_dagster, rounds=sizes.rounds))
    yield Row("A daily run", "the ingestion alone, then `dbt build`", measured, "at most", 2)


def _year(folder: Path, year: Retailer, home: Home, sizes: Sizes) -> Iterator[Row]:
    empty = parsed(folder / "empty", year)

    def backfill(of: Home, *options: str) -> Measured:
        def measured() -> Usage:
            with of.copied() as copy:
                return copy.backfill(year.first_day, LAST_DAY, *options)

        return measured

    again, first, rebuild = alternate(
        backfill(home), backfill(empty), backfill(home, "--full-refresh"), rounds=sizes.rounds
    )
    size = f"{year.days:,} days in one run"
    baseline = "a full rebuild of the same days"
    for subject, start in ((again, "over what is there"), (first, "from nothing")):
        measured = compare(subject, rebuild)
        yield Row(f"Backfill of {size}, {start}", baseline, measured, "at most", 1.5)


def _history(folder: Path, one: Home, sizes: Sizes) -> Iterator[Row]:
    retailer, _ = simulated(folder / "ten_years", sizes.consumers, sizes.days_of_ten_years)
    ten, _ = built(folder / "ten", retailer, LAST_DAY - DAY)

    def day(of: Home) -> Measured:
        def measured() -> Usage:
            with of.copied() as copy:
                return copy.backfill(LAST_DAY, LAST_DAY)

        return measured

    measured = compare(*alternate(day(ten), day(one), rounds=sizes.rounds))
    ours, other = (
        f"behind {each.days:,} days ({lines_on(each):,} order lines on it)"
        for each in (retailer, one.retailer)
    )
    yield Row(f"A daily run {ours}", other, measured, "at most", 1.25)


def _ingestion(folder: Path, sizes: Sizes) -> Iterator[Row]:
    retailer, _ = simulated(folder / "many_lines", sizes.ingested_consumers, sizes.days_of_a_year)
    home = parsed(folder / "ingested", retailer)
    # Lines are compared with the orders that were read; those are not what is measured.
    home.ingest(retailer.first_day, LAST_DAY, ORDERS)

    def ours() -> Usage:
        with home.copied() as copy:
            return copy.ingest(retailer.first_day, LAST_DAY, LINES)

    def other(name: str) -> Measured:
        def measured() -> Usage:
            with home.copied() as copy:
                return copy.work(name)

        return measured

    lines, adbc = alternate(ours, other("ingest_with_adbc"), rounds=sizes.rounds)
    dlt = [other("ingest_with_dlt_default")()]  # once: it takes minutes
    what = f"Ingestion of {lines_on(retailer, whole=True):,} order lines"
    yield Row(what, "ADBC straight into a DuckDB table", compare(lines, adbc), "at most", 4)
    baseline = "dlt's `sql_database` with its default backend"
    yield Row(what, baseline, compare(lines[-1:], dlt), "at least", 20)


def sql_server(sizes: Sizes) -> Iterator[Row]:
    """Without mssql-python, which needs libraries of the system, there is nothing to compare."""
    measured = arrow_against_rows(sizes.lines_of_sql_server, sizes.rounds)
    if measured is None:
        print("Not measured: SQL Server. mssql-python lacks libraries of the system.", file=sys.stderr)
    else:
        what = f"Reading {sizes.lines_of_sql_server:,} order lines of SQL Server as Arrow, CPU seconds"
        yield Row(what, "by rows, through pymssql", measured, "at most", 0.25)


def lines_on(retailer: Retailer, *, whole: bool = False) -> int:
    """Order lines that changed on the last day, or all."""
    import sqlite3
    from contextlib import closing

    condition = "true" if whole else f"ModifiedDate >= '{LAST_DAY}'"
    with closing(sqlite3.connect(retailer.erp)) as erp:
        statement = f"select count(*) from SalesOrderDetail where {condition}"
        return int(erp.execute(statement).fetchone()[0])
