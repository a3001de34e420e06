"""Homes of deployments: prepared once, copied for each measurement."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.measure import Usage, python, run, work

LAST_DAY = date(2024, 12, 30)


@dataclass(frozen=True)
class Retailer:
    """Simulated sources whose last day is `LAST_DAY`."""

    folder: Path
    days: int
    systems: tuple[str, ...] = ("erp",)
    """Those that are taken in."""

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

    def ingest(self, first: date, last: date, *tables: str) -> Usage:
        """Ingestion alone: of these tables of the ERP, or of everything."""
        days = (first.isoformat(), last.isoformat())
        if tables:
            return work("ingest", *days, "erp", *tables, environment=self.environment)
        return work("ingest_all", *days, environment=self.environment)

    def dbt_build(self, day: date) -> Usage:
        """dbt's own command on the models of the deployment, for one day."""
        target = self.path / "dbt" / "duckdb"
        variables = (
            f"{{window_start: '{day} 00:00:00', window_end: '{day + timedelta(days=1)} 00:00:00',"
            " timezone: UTC}"
        )
        return run(
            [
                str(Path(sys.executable).with_name("dbt")),
                "--quiet", "build",
                "--exclude-resource-type", "unit_test",
                "--vars", variables,
                "--project-dir", "dbt_project",
                "--profiles-dir", "dbt_project",
                "--target-path", str(target),
                "--log-path", str(target / "logs"),
            ],
            self.environment,
        )  # fmt: skip


def simulated(
    folder: Path, name: str, consumers: int, days: int, systems: tuple[str, ...] = ("erp",)
) -> Retailer:
    """Simulate sources."""
    retailer = Retailer(folder / name, days, systems)
    simulate(retailer, consumers)
    return retailer


def simulate(retailer: Retailer, consumers: int) -> Usage:
    """Write a retailer's sources."""
    written = [system for system in retailer.systems if system != "geo"]
    first = retailer.first_day.isoformat()
    size = (str(consumers), str(retailer.days), first, str(retailer.folder))
    return work("simulate", *size, *written, environment={})


def parsed(folder: Path, name: str, retailer: Retailer) -> Home:
    """A deployment in which nothing has run yet."""
    home = Home(folder / name, retailer)
    work("parse", environment=home.environment)
    return home


def with_history(folder: Path, name: str, retailer: Retailer) -> Home:
    """A deployment that has built everything but the last day."""
    home = parsed(folder, name, retailer)
    home.backfill(retailer.first_day, LAST_DAY - timedelta(days=1))
    return home
