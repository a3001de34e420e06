"""The whole company, six systems with all models, at two sizes: what each step takes, and how it grows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import rmtree
from statistics import median

from benchmarks.home import DAY, EVERY_SYSTEM, LAST_DAY, Home, built, parsed, simulated
from benchmarks.measure import Usage

ORDER_LINES = "select count(*) from warehouse.wh_fact_sales"
FIRST_RUNS = 2
DAILY_RUNS = 5
GROWTH_OF_A_DAY = 1.25
DAY_AGAINST_DBT = 1.5


@dataclass(frozen=True)
class Step:
    """What one step took of a company of so many order lines."""

    what: str
    usage: Usage


@dataclass(frozen=True)
class Company:
    """All steps of one size, and the daily run's baseline where it was measured."""

    order_lines: int
    days: int
    steps: tuple[Step, ...]
    against_dbt: float | None
    """A daily run, as a multiple of the ingestion alone and then `dbt build`: the median of pairs."""

    def of(self, what: str) -> Usage:
        """What a step took."""
        return next(step.usage for step in self.steps if step.what == what)


def companies(folder: Path, consumers: int, days: tuple[int, ...]) -> Iterator[Company]:
    """One after the other, as each is measured. Longer histories of the same size of business."""
    for number in days:
        here = folder / f"company-{number}"
        yield _measured(here, consumers, number, with_baseline=number == days[0])
        rmtree(here)


def _measured(folder: Path, consumers: int, days: int, *, with_baseline: bool) -> Company:
    retailer, simulation = simulated(folder / "sources", consumers, days, EVERY_SYSTEM)
    before = LAST_DAY - (FIRST_RUNS + DAILY_RUNS) * DAY
    ingested = parsed(folder / "ingested", retailer)
    ingestion = ingested.ingest(retailer.first_day, before)
    rmtree(ingested.path)
    home, backfill = built(folder / "built", retailer, before)
    last_days = [before + (number + 1) * DAY for number in range(FIRST_RUNS + DAILY_RUNS)]
    first_runs = [home.backfill(day, day) for day in last_days[:FIRST_RUNS]]
    runs = [_day(home, day, with_baseline=with_baseline) for day in last_days[FIRST_RUNS:]]
    daily = Usage(median(run.seconds for run, _ in runs), max(run.peak_bytes for run, _ in runs))
    ratios = [run.seconds / baseline.seconds for run, baseline in runs if baseline]
    return Company(
        order_lines=home.number(ORDER_LINES),
        days=days,
        steps=(
            Step("simulating all six systems", simulation),
            Step("ingesting them", ingestion),
            Step("one backfill of everything, ingestion included", backfill),
            Step(
                "the slower of the first two daily runs after it",
                max(first_runs, key=lambda run: run.seconds),
            ),
            Step("one daily run", daily),
        ),
        against_dbt=median(ratios) if ratios else None,
    )


def _day(home: Home, day: date, *, with_baseline: bool) -> tuple[Usage, Usage | None]:
    """A daily run, and the ingestion alone and then `dbt build` of the same day on a copy."""
    baseline = None
    if with_baseline:
        with home.copied() as copy:
            baseline = copy.ingest(day, day) + copy.dbt_build(day)
    return home.backfill(day, day), baseline
