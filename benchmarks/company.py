"""The whole company, six systems with all models, at two sizes: what each step takes, and how it grows."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import rmtree

from benchmarks.home import DAY, EVERY_SYSTEM, LAST_DAY, Home, Retailer, built, parsed, simulated
from benchmarks.measure import Comparison, Usage, compare

ORDER_LINES = "select count(*) from warehouse.wh_fact_sales"
FIRST_RUNS = 2
DAILY_RUNS = 5
BEFORE = LAST_DAY - (FIRST_RUNS + DAILY_RUNS) * DAY
GROWTH_OF_A_DAY = 1.25
DAY_AGAINST_DBT = 1.5


@dataclass(frozen=True)
class Step:
    """What one step took of a company of so many order lines."""

    what: str
    usage: Usage


@dataclass(frozen=True)
class Company:
    """One size of history, and all steps before the daily runs."""

    order_lines: int
    days: int
    lines_of_a_day: int
    """Order lines a day, in the week before the daily runs."""
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Growth:
    """A short and a long history, in the end of the same size of business, and their daily runs."""

    short: Company
    long: Company
    daily: Comparison
    """A daily run of the long one, against one of the short one."""
    against_dbt: Comparison
    """A daily run of the short one, against the ingestion alone and then `dbt build`."""


def growth(folder: Path, sizes: tuple[tuple[int, int], tuple[int, int]]) -> Growth:
    """Measure both: all steps one after the other, then the daily runs in alternation.

    A size is a number of consumers, and of days.
    """
    (short, short_home), (long, long_home) = (
        _company(folder / f"company-{days}", consumers, days) for consumers, days in sizes
    )
    last_days = [BEFORE + (FIRST_RUNS + number) * DAY for number in range(1, DAILY_RUNS + 1)]
    turns = [
        (_with_dbt(short_home, day), short_home.backfill(day, day), long_home.backfill(day, day))
        for day in last_days
    ]
    baselines, shorts, longs = zip(*turns, strict=True)
    return Growth(short, long, compare(longs, shorts), compare(shorts, baselines))


def _company(folder: Path, consumers: int, days: int) -> tuple[Company, Home]:
    retailer, simulation = simulated(folder / "sources", consumers, days, EVERY_SYSTEM)
    ingestion = _ingestion(folder / "ingested", retailer)
    home, backfill = built(folder / "built", retailer, BEFORE)
    firsts = [home.backfill(day, day) for day in (BEFORE + n * DAY for n in range(1, FIRST_RUNS + 1))]
    steps = (
        Step("simulating all six systems", simulation),
        Step("ingesting them", ingestion),
        Step("one backfill of everything, ingestion included", backfill),
        Step("the slower of the first two daily runs after it", max(firsts, key=lambda run: run.seconds)),
    )
    week = f"where order_date > date '{BEFORE - 7 * DAY}' and order_date <= date '{BEFORE}'"
    lines_of_a_day = home.number(f"{ORDER_LINES} {week}") // 7
    return Company(home.number(ORDER_LINES), days, lines_of_a_day, steps), home


def _ingestion(path: Path, retailer: Retailer) -> Usage:
    home = parsed(path, retailer)
    usage = home.ingest(retailer.first_day, BEFORE)
    rmtree(path)
    return usage


def _with_dbt(home: Home, day: date) -> Usage:
    """The ingestion alone and then `dbt build` of a day, on a copy."""
    with home.copied() as copy:
        return copy.ingest(day, day) + copy.dbt_build(day)
