"""Law 7, as far as it goes yet: every model's first build runs against a Snowflake protocol server.

Its incremental branch does not, and no rows are compared.
"""

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings
from retail_assets.transformation.project import Project, dbt_executable
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window
from retail_assets_tests.raw_tables import create_raw_tables_sql


@pytest.fixture
def snowflake(tmp_path):
    """Settings for a server of its own, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield Settings(
            home=tmp_path,
            warehouse="snowflake",
            snowflake_account="fakesnow",
            snowflake_user="user",
            snowflake_password="password",
            snowflake_host="127.0.0.1",
            snowflake_port=port,
            snowflake_protocol="http",
        )
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


def test_every_model_builds_on_snowflake(snowflake, built):
    """The first build, on empty, typed raw tables. dbt has a process of its own: it keeps one adapter."""
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    for statement in create_raw_tables_sql(Project(built.settings).manifest):
        warehouse.execute(statement)
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    result = subprocess.run(
        [dbt_executable(), *build_arguments(window, "Europe/Berlin"), *Project(snowflake).arguments],
        env={**os.environ, **_environment(snowflake)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert warehouse.query("select count(*) as n from warehouse.fact_sales").to_pylist() == [{"n": 0}]


def _environment(settings):
    """What profiles.yml reads."""
    values = {"RETAIL_HOME": str(settings.home), "RETAIL_WAREHOUSE": "snowflake"}
    for name in ("account", "user", "host", "port", "protocol", "database"):
        values[f"RETAIL_SNOWFLAKE_{name.upper()}"] = str(getattr(settings, f"snowflake_{name}"))
    return values | {"RETAIL_SNOWFLAKE_PASSWORD": settings.snowflake_password.get_secret_value()}
