"""Law 7, as far as it goes yet: every model's first build runs against a Snowflake protocol server.

Its incremental branch does not, and no rows are compared.
"""

import socket
import subprocess
import sys
import time

import pytest

from retail_assets.deployment import home
from retail_assets.settings import Settings
from retail_assets.transformation.project import Project
from retail_assets_tests.raw_tables import create_raw_tables_sql


@pytest.fixture
def snowflake(tmp_path, monkeypatch):
    """Settings for a server of its own, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {
        "RETAIL_HOME": str(tmp_path),
        "RETAIL_SNOWFLAKE_HOST": "127.0.0.1",
        "RETAIL_SNOWFLAKE_PORT": str(port),
        "RETAIL_SNOWFLAKE_PROTOCOL": "http",
        "RETAIL_SNOWFLAKE_ACCOUNT": "fakesnow",
        "RETAIL_SNOWFLAKE_USER": "user",
        "RETAIL_SNOWFLAKE_PASSWORD": "password",
        "RETAIL_SNOWFLAKE_DATABASE": "RETAIL",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    server = subprocess.Popen(
        [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        settings = Settings(home=tmp_path, warehouse="snowflake")
        home.prepare(settings)
        yield settings
    finally:
        server.kill()
        server.wait()


def _wait_for(port):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("the Snowflake stand-in did not start")


def test_every_model_builds_on_snowflake(snowflake):
    """The first build, on empty, typed raw tables."""
    from datetime import UTC, datetime

    from dbt.cli.main import dbtRunner

    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.transformation.window import build_arguments
    from retail_assets.windows import Window

    project = Project(snowflake)
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    for statement in create_raw_tables_sql(project.manifest):
        warehouse.execute(statement)
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    result = dbtRunner(manifest=project.load()).invoke(
        ["--quiet", *build_arguments(window, "Europe/Berlin"), *project.arguments]
    )
    failed = [
        f"{each.node.name}: {each.message}"
        for each in getattr(result.result, "results", ())
        if each.status not in ("success", "pass")
    ]
    assert not failed
    assert result.success, result.exception
    rows = warehouse.query("select count(*) as n from warehouse.fact_sales").to_pylist()
    assert rows == [{"n": 0}]
