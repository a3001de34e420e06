"""What the tests share: a deployment in a folder of its own, on a simulated retailer."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from filelock import FileLock
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from retail_assets.catalog.presence import presence
from retail_assets.catalog.project import Project
from retail_assets.definitions import definitions_of
from retail_assets.deployment import home
from retail_assets.ingestion import file_reading
from retail_assets.settings import Settings
from retail_assets_tests.distribution import ByModule, longest_first
from simulated_retailer import SYSTEMS as SIMULATED
from simulated_retailer import Retailer, simulate, write_sources

START = date(2024, 3, 1)
DAYS = 40
# The last days, which tests run one by one or all at once on top of a history.
NEW_DAYS = [START + timedelta(days=number) for number in range(DAYS - 4, DAYS)]

# The last whole weeks, by their Mondays.
WEEKS = [date(2024, 3, 25), date(2024, 4, 1)]


@dataclass
class Deployment:
    """A deployment in a folder, run in this process."""

    settings: Settings

    @property
    def sources(self) -> Path:
        return self.settings.home / "sources"

    @property
    def erp(self) -> Path:
        return self.sources / "erp.sqlite"

    @property
    def manifest(self) -> Mapping[str, Any]:
        return Project(self.settings).manifest

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process one of this deployment."""
        settings = self.settings
        return {
            **os.environ,
            **self.places,
            "RETAIL_SOURCES": settings.sources,
            "RETAIL_START_DATE": str(settings.start_date),
            "RETAIL_END_DATE": str(settings.end_date),
        }

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Here this process is one of the deployment: its home and history are those that are found."""
        with pytest.MonkeyPatch.context() as patch:
            for name, place in self.places.items():
                patch.setenv(name, place)
            home.prepare(self.settings)
            yield

    @property
    def places(self) -> dict[str, str]:
        folder = self.settings.home
        return {
            "RETAIL_HOME": str(folder),
            "RETAIL_EVENT_LOG_DIR": str(folder / "events"),
            "DAGSTER_HOME": str(folder / "dagster"),
        }

    def run(
        self, first: date, last: date | None = None, *, full_refresh: bool = False, checks: bool = True
    ) -> None:
        """Materialize a range of days in one run, both included. Fails the test if the run fails.

        Without `checks` it takes two thirds of the time: for tests that compare rows.
        """
        result = self.attempt(first, last, full_refresh=full_refresh, checks=checks)
        assert result.success, _failures(result)

    def attempt(
        self, first: date, last: date | None = None, *, full_refresh: bool = False, checks: bool = True
    ) -> dg.ExecuteInProcessResult:
        """The same, whatever comes of it."""
        config = {"ops": {"transformation": {"config": {"full_refresh": True}}}} if full_refresh else {}
        return self._execute("daily", first, last or first, config, checks)

    def run_weeks(self, first: date, last: date) -> dg.ExecuteInProcessResult:
        """Make the segments of a range of weeks, given by their Mondays, in one run."""
        result = self._execute("weekly", first, last, {})
        assert result.success, _failures(result)
        return result

    def _execute(
        self, name: str, first: date, last: date, config: Mapping[str, Any], checks: bool = True
    ) -> dg.ExecuteInProcessResult:
        """Run a job as a user's process does: Dagster's history is on disk and takes events in batches."""
        with self.entered(), dg.DagsterInstance.get() as instance:
            job = definitions_of(self.settings).resolve_job_def(name)
            if not checks:
                assets = job.asset_layer.selected_asset_keys
                job = job.get_subset(asset_selection=assets, asset_check_selection=set())
            return job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **config},
                tags={
                    ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
                    ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
                },
            )

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """A table's rows, in an order of their own."""
        with duckdb.connect(self.settings.duckdb_path, read_only=True) as connection:
            return connection.execute(f"select {columns} from {table} order by all").fetchall()

    def columns(self, table: str) -> list[str]:
        """The table's columns, without those of its bookkeeping."""
        return [name for name, *_ in self.query(f"describe select columns('^[^_]') from {table}")]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """A statement's rows, where runs write."""
        with duckdb.connect(self.settings.duckdb_path, read_only=True) as connection:
            return connection.execute(statement).fetchall()

    def lasting(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables that there are right of staging, without the columns of their bookkeeping.

        By the model's unique id; of the daily models, without the tables that hold only what the newest run's
        window touched.
        """
        absent = presence(self.manifest, self.settings.systems).absent
        return {
            unique_id: self.rows(f"{node['schema']}.{node['name']}", "columns('^[^_]')")
            for unique_id, node in self.manifest["nodes"].items()
            if node["resource_type"] == "model"
            and unique_id not in absent
            and node["schema"] != "staging"
            and node["config"]["materialized"] == "incremental"
            and node["config"]["meta"]["dagster"]["partition"] == "daily"
        }

    def published(self) -> pa.Table:
        """What readers see of fact_sales."""
        with duckdb.connect(self.settings.published_path, read_only=True) as connection:
            return connection.sql("select * from warehouse.fact_sales order by all").to_arrow_table()


@dataclass
class WeeklyDeployment(Deployment):
    """A deployment of which weeks have run, with what came of it."""

    result: dg.ExecuteInProcessResult


# How fast examples are made says something of the machine, not of the code.
hypothesis_settings.register_profile("ours", suppress_health_check=[HealthCheck.too_slow], deadline=None)
hypothesis_settings.load_profile("ours")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    return ByModule(config, log)


def deployment_in(folder: Path, **changes: object) -> Deployment:
    """The deployment of the retailer's days in a folder."""
    values: dict[str, Any] = {"start_date": START, "end_date": NEW_DAYS[-1], **changes}
    return Deployment(Settings(home=folder, **values))


def new_deployment(folder: Path, parsed_project: Path, **changes: object) -> Deployment:
    """A deployment of the retailer's days in a folder of its own, in which nothing has run yet."""
    deployment = deployment_in(folder, **changes)
    with deployment.entered():
        pass
    shutil.copytree(parsed_project, folder / "dbt")
    return deployment


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of the processes which run the tests makes, for all of them."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    made = root / f"{name}.made"
    with FileLock(root / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(root / name, ignore_errors=True)
            make(root / name)
            made.touch()
    return root / name


@pytest.fixture(autouse=True, scope="session")
def whole_files() -> Iterator[None]:
    """The files of tests are written before they are read: nothing waits for them to be whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_reading, "QUIET", 0.0)
        yield


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dbt project's manifest, parsed once for all tests."""

    def make(folder: Path) -> None:
        settings = Settings(home=folder)
        home.prepare(settings)
        Project(settings).prepare()

    return shared(tmp_path_factory, "parsed", make) / "dbt"


@pytest.fixture(scope="session")
def parsed_on_snowflake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of Snowflake, which has other macros. The environment is as it was."""

    def make(folder: Path) -> None:
        known = dict(os.environ)
        settings = Settings(home=folder, warehouse="snowflake")
        try:
            home.prepare(settings)
            Project(settings).prepare()
        finally:
            os.environ.clear()
            os.environ.update(known)

    return shared(tmp_path_factory, "parsed-on-snowflake", make) / "dbt"


def _failures(result: dg.ExecuteInProcessResult) -> str:
    """Why steps of a run failed."""
    errors = (event.step_failure_data.error for event in result.get_step_failure_events())
    return "\n".join(error.to_string() for error in errors if error)


@pytest.fixture(scope="session")
def manifest(parsed_project: Path) -> Mapping[str, Any]:
    """The dbt project's manifest, which has the contract."""
    return Project(Settings(home=parsed_project.parent)).manifest


def _backfilled(
    name: str,
    factory: pytest.TempPathFactory,
    parsed_project: Path,
    retailer: Retailer,
    last: date,
    weeks: Sequence[date] = (),
) -> Deployment:
    """A deployment with all days up to this one in it, ingested when the last was over."""

    def make(folder: Path) -> None:
        deployment = new_deployment(folder, parsed_project)
        write_evening(retailer, deployment, last)
        deployment.run(START, last)
        if weeks:
            deployment.run_weeks(weeks[0], weeks[-1])

    return deployment_in(shared(factory, name, make))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path, retailer: Retailer) -> Deployment:
    """A deployment with all days of the retailer in it, and its last weeks. Tests only read it."""
    return _backfilled("built", tmp_path_factory, parsed_project, retailer, NEW_DAYS[-1], weeks=WEEKS)


@pytest.fixture
def deploy(
    tmp_path: Path, parsed_project: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Deployment]:
    """Makes deployments, each in a folder of its own. The process is one of the last that was made."""
    made: list[Deployment] = []

    def make(**changes: object) -> Deployment:
        folder = tmp_path / f"deployment-{len(made)}"
        made.append(new_deployment(folder, parsed_project, **changes))
        for name, place in made[-1].places.items():
            monkeypatch.setenv(name, place)
        return made[-1]

    return make


@pytest.fixture(scope="session")
def retailer() -> Retailer:
    """A small retailer whose old orders keep changing while the days go by."""
    return simulate(consumers=1500, days=DAYS, seed=11, start=START)


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path, retailer: Retailer) -> Deployment:
    """A deployment in which the days before NEW_DAYS were built when they were over. Tests copy it."""
    last = NEW_DAYS[0] - timedelta(days=1)
    return _backfilled("history", tmp_path_factory, parsed_project, retailer, last)


@pytest.fixture
def deployment(deploy: Callable[..., Deployment], history: Deployment) -> Deployment:
    """A deployment with a history, to go on with over NEW_DAYS."""
    copy = deploy()
    shutil.copytree(history.settings.home, copy.settings.home, dirs_exist_ok=True)
    return copy


def evening(day: date) -> datetime:
    """The end of a day: what the sources hold when its partition is run."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def days_of(first: int, last: int) -> list[date]:
    """Days of the retailer's history by number, both included."""
    return [START + timedelta(days=number) for number in range(first, last + 1)]


def write_evening(retailer: Retailer, deployment: Deployment, day: date) -> None:
    """The deployment's sources as they stood in the evening of a day."""
    systems = [system for system in deployment.settings.systems if system in (*SIMULATED, "geo")]
    write_sources(retailer, deployment.sources, evening(day), systems)
