"""Homes of deployments: prepared once, copied for each measurement."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.measure import Usage, python, run, work

DAY = timedelta(days=1)
LAST_DAY = date(2024, 12, 30)
EVERY_SYSTEM = ("erp", "webshop", "crm", "inventory", "marketing", "geo")


@dataclass(frozen=True)
class Retailer:
    """Simulated sources whose last day is `LAST_DAY`."""

    folder: Path
    days: int
    systems: tuple[str, ...] = ("erp",)
    """Those that are ingested."""

    @property
    def first_day(self) -> date:
        return LAST_DAY - timedelta(days=self.days - 1)

    @property
    def erp(self) -> Path:
        return self.folder / "erp.sqlite"

    @property
    def settings(self) -> Mapping[str, str]:
        """Where a deployment finds them."""
        databases = {
            f"RETAIL_{system.upper()}_URL": f"sqlite:///{self.folder / system}.sqlite"
            for system in self.systems
        }
        files = {"RETAIL_WEBSHOP_URL": str(self.folder / "webshop"), "RETAIL_GEO_URL": ""}
        found = {name: files.get(name, url) for name, url in databases.items()}
        return {"RETAIL_SOURCES": ",".join(self.systems), **{name: url for name, url in found.items() if url}}


@dataclass(frozen=True)
class Home:
    """A deployment's folder, with the sources that it reads."""

    path: Path
    retailer: Retailer

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a process one of this deployment."""
        return {
            "RETAIL_HOME": str(self.path),
            "RETAIL_WAREHOUSE": "duckdb",
            **self.retailer.settings,
            "RETAIL_START_DATE": self.retailer.first_day.isoformat(),
            "RETAIL_END_DATE": LAST_DAY.isoformat(),
        }

    @contextmanager
    def copied(self) -> Iterator["Home"]:
        """A copy that is gone afterwards."""
        path = Path(mkdtemp(prefix="copy-", dir=self.path.parent))
        try:
            # Times of files too: the dbt project counts as parsed by them.
            shutil.copytree(self.path, path, dirs_exist_ok=True)
            yield Home(path, self.retailer)
        finally:
            shutil.rmtree(path)

    def backfill(self, first: date, last: date, *options: str) -> Usage:
        """`retail-assets backfill` of a range of days."""
        days = ["--from", first.isoformat(), "--to", last.isoformat()]
        return python("-m", "retail_assets.cli", "backfill", *days, *options, environment=self.environment)

    def work(self, name: str, *arguments: str) -> Usage:
        """A function of `benchmarks.work`, in a process of this deployment."""
        return work(name, *arguments, environment=self.environment)

    def ingest(self, first: date, last: date, *tables: str) -> Usage:
        """Ingestion alone: of these tables of the ERP, or of everything."""
        days = (first.isoformat(), last.isoformat())
        if tables:
            return self.work("ingest", *days, "erp", *tables)
        return self.work("ingest_all", *days)

    def number(self, query: str) -> int:
        """A query's only value, which a process of its own asks for: this one stays small."""
        ask = (
            "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True)"
            ".sql(sys.argv[2]).fetchall()[0][0])"
        )
        command = [sys.executable, "-c", ask, str(self.path / "retail.duckdb"), query]
        return int(subprocess.check_output(command))

    def dbt_build(self, day: date) -> Usage:
        """dbt's own command on the models of the deployment, for one day."""
        target = self.path / "dbt" / "duckdb"
        variables = f"{{window_start: '{day} 00:00:00', window_end: '{day + DAY} 00:00:00', timezone: UTC}}"
        return run(
            [
                str(Path(sys.executable).with_name("dbt")),
                "--quiet", "build",
                "--exclude-resource-type", "unit_test",
                "--exclude", "config.meta.dagster.partition:weekly",
                "--vars", variables,
                "--project-dir", "dbt_project",
                "--profiles-dir", "dbt_project",
                "--target-path", str(target),
                "--log-path", str(target / "logs"),
            ],
            self.environment,
        )  # fmt: skip


def simulated(
    folder: Path, consumers: int, days: int, systems: tuple[str, ...] = ("erp",)
) -> tuple[Retailer, Usage]:
    """Simulated sources, and what it took to write them."""
    retailer = Retailer(folder, days, systems)
    size = (str(consumers), str(days), retailer.first_day.isoformat(), str(folder))
    return retailer, work("simulate", *size, *systems, environment={})


def parsed(path: Path, retailer: Retailer) -> Home:
    """A deployment in which nothing has run yet."""
    home = Home(path, retailer)
    home.work("parse")
    return home


def built(path: Path, retailer: Retailer, last: date) -> tuple[Home, Usage]:
    """A deployment that has built everything until a day, that day included, and what that took."""
    home = parsed(path, retailer)
    return home, home.backfill(retailer.first_day, last)
