"""Dagster's storage in a real PostgreSQL, through the command line."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import StepMaterializationData
from pydantic import SecretStr

from retail_assets.deployment import home
from retail_assets.errors import UserError
from retail_assets.settings import Settings, settings
from retail_assets_tests.conftest import START, days_of, write_evening
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion import postgres


@pytest.fixture(scope="module")
def url():
    with postgres.server("dagster_postgres") as url:
        yield url


def _backfill(deployment, url):
    """The ERP's raw tables of three days, with Dagster's history in the database."""
    environment = {name: value for name, value in deployment.environment.items() if "DAGSTER" not in name}
    environment.pop("RETAIL_EVENT_LOG_DIR")
    days = ["--from", f"{START}", "--to", f"{days_of(0, 2)[-1]}", "--select", "group:raw_erp"]
    return subprocess.run(
        [sys.executable, "-m", "retail_assets.cli", "backfill", *days],
        env=environment | {"RETAIL_DAGSTER_URL": url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_range_of_days_from_the_command_line(deploy, retailer, url, monkeypatch):
    deployment = deploy(sources="erp")
    write_evening(retailer, deployment, days_of(0, 2)[-1])
    # As somebody writes it: without a driver. SQLAlchemy's default is one with which Dagster's storage fails.
    database = re.sub(r"^postgresql\+psycopg:", "postgresql:", postgres.new_database(url))
    run = _backfill(deployment, database)
    assert run.returncode == 0, run.stderr

    folder = deployment.settings.home / "dagster-postgres"
    for name, value in (("RETAIL_DAGSTER_URL", database), ("DAGSTER_HOME", str(folder))):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RETAIL_HOME", str(deployment.settings.home))
    settings.cache_clear()
    with dg.DagsterInstance.get() as instance:
        (made,) = instance.get_runs()
        assert made.status is dg.DagsterRunStatus.SUCCESS
        orders = dg.AssetKey(["raw_erp", "sales_order_header"])
        assert instance.get_materialized_partitions(orders) == {f"{day}" for day in days_of(0, 2)}
        assert instance.all_logs(made.run_id)
        # Dagster's migrations leave it as it is.
        instance.upgrade()
        assert instance.get_materialized_partitions(orders) == {f"{day}" for day in days_of(0, 2)}
    # The history is in the database alone, and so is the password.
    assert not list(folder.rglob("*.db"))
    assert database not in "".join(each.read_text() for each in folder.glob("*.yaml"))

    engine = sa.create_engine(postgres.with_driver(database))
    with engine.connect() as connection:

        def number(query: str) -> int:
            return int(connection.exec_driver_sql(f"select count(*) from {query}").scalar_one())

        made_of, planned_for = (
            number(f"event_logs where dagster_event_type = '{kind}'")
            for kind in ("ASSET_MATERIALIZATION", "ASSET_MATERIALIZATION_PLANNED")
        )
        checks = number("(select distinct asset_key, check_name from asset_check_executions) as checks")
        evaluations = number("asset_check_executions")
        waiting = number("asset_check_executions where execution_status = 'PLANNED'")
    engine.dispose()
    # Once for the range, not once per day: assets, and checks, which are all evaluated.
    tables = [each for each in deployment.manifest["sources"].values() if each["source_name"] == "erp"]
    assert made_of == planned_for == len(tables)
    assert evaluations == checks > 0
    assert waiting == 0


@fault(
    Area.MACHINE,
    "Several processes write long ranges at once",
    "None waits for ever, and no id is given twice.",
)
def test_processes_that_write_ranges_at_once_neither_wait_for_ever_nor_share_ids(url):
    """Each with a connection of its own, as processes have."""
    database = postgres.new_database(url)
    partitions = [f"p{number:03}" for number in range(50)]

    def write(writer):
        from retail_assets.deployment import postgres_storage

        log: Any = postgres_storage.PostgresStorage(postgres_storage.database(database)).event_log_storage
        for batch in range(10):
            keys = [dg.AssetKey(f"a{(number * (writer + 1) + batch) % 7}") for number in range(7)]
            run = f"{writer}-{batch}"
            for key in keys[1::2]:
                log.expect(run, key, partitions)
            log.store_event_batch([_made(run, key, partitions[-1]) for key in keys])
        log.dispose()

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(4)))
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        counted = connection.exec_driver_sql(
            "select count(*), count(distinct id) from event_logs_by_partition"
        )
        assert tuple(counted.one()) == (4 * 10 * (3 * 50 + 4),) * 2
    engine.dispose()


STARTS = 4


@fault(
    Area.MACHINE,
    "Several processes start at once on an empty PostgreSQL",
    "Its tables are created once, and all of them start.",
    times=STARTS,
)
def test_processes_that_start_at_once_on_an_empty_database_create_its_tables_once(url):
    """As the webserver, the daemon and the code server do on the first start."""
    from retail_assets.deployment import postgres_storage

    for _ in range(STARTS):
        database = postgres_storage.database(postgres.new_database(url))
        ready = Barrier(5)

        def start(_, database=database, ready=ready):
            ready.wait()
            storage = postgres_storage.PostgresStorage(database)
            storage.event_log_storage.dispose()

        with ThreadPoolExecutor(5) as starting:
            list(starting.map(start, range(5)))


def test_ids_of_a_range_are_nobody_elses(url):
    from retail_assets.deployment import postgres_storage

    database = postgres_storage.database(postgres.new_database(url))
    log: Any = postgres_storage.PostgresStorage(database).event_log_storage
    with ThreadPoolExecutor(1) as other, log.index_transaction() as connection:
        log._keep_others_from_numbers(connection)
        waiting = other.submit(log.store_event, _made("other", dg.AssetKey("a"), "p0"))
        with pytest.raises(TimeoutError):
            waiting.result(1)
        row = log._event_to_row(_made("range", dg.AssetKey("a"), "p9"))
        last = log._insert(connection, row, 10)
        connection.commit()
        waiting.result(30)
    assert [record.storage_id for record in log.get_records_for_run("range").records] == [last]
    assert [record.storage_id for record in log.get_records_for_run("other").records] == [last + 1]
    log.dispose()


def _made(run_id, key, partition):
    made = StepMaterializationData(dg.AssetMaterialization(key, partition=partition))
    event = dg.DagsterEvent("ASSET_MATERIALIZATION", "daily", event_specific_data=made)
    return dg.EventLogEntry(None, "INFO", "", run_id, 0.0, job_name="daily", dagster_event=event)


@pytest.mark.parametrize("wrong", ["dagster", "mysql://dagster@localhost/dagster"])
def test_an_address_that_is_none_of_postgresql_is_told(wrong, tmp_path, monkeypatch):
    pytest.importorskip("dagster_postgres")
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_DAGSTER_URL", wrong)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings.cache_clear()
    home.prepare(settings())
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "dagster-postgres")
    with pytest.raises(UserError, match="RETAIL_DAGSTER_URL is no address of a PostgreSQL database"):
        dg.DagsterInstance.get()


def test_a_database_that_is_not_there_is_told(tmp_path, monkeypatch):
    pytest.importorskip("dagster_postgres")
    # It tries several times.
    monkeypatch.setattr("dagster_postgres.utils.time.sleep", lambda _: None)
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_DAGSTER_URL", "postgresql://dagster:hidden@127.0.0.1:1/dagster")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings.cache_clear()
    home.prepare(settings())
    with pytest.raises(UserError, match=r"RETAIL_DAGSTER_URL cannot be used: .*refused") as told:
        dg.DagsterInstance.get()
    assert "hidden" not in str(told.value)


def test_a_package_that_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="dagster-postgres"):
        home.prepare(Settings(home=tmp_path, dagster_url=SecretStr("postgresql://a/b")))
