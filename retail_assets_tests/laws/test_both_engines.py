"""Law 7, as far as it goes yet: every model's first build runs against a Snowflake protocol server.

Its incremental branch does not, and no rows are compared but those of lifetime values, which Python writes.
"""

import os
import re
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from retail_assets.catalog.project import PROJECT_DIR, Project, dbt_executable
from retail_assets.lifetime_value.catalog import COLUMNS, table
from retail_assets.lifetime_value.weekly import run_week
from retail_assets.resources.comments import SNOWFLAKE_COMMENTS, Description, missing_comments
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window
from retail_assets_tests.lifetime_value.planted import Cohort, Warehouse, lives, monday
from retail_assets_tests.raw_tables import create_raw_tables_sql

# Words that Snowflake takes for no name without quotes (its SQL reference: "Reserved & limited keywords");
# the stand-in takes them all.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    account all alter and any as between by case cast check column connect connection constraint
    create cross current current_date current_time current_timestamp current_user database delete
    distinct drop else exists false following for from full grant group gscluster having ilike in
    increment inner insert intersect into is issue join lateral left like localtime localtimestamp
    minus natural not null of on or order organization qualify regexp revoke right rlike row rows
    sample schema select set some start table tablesample then to trigger true try_cast union unique
    update using values view when whenever where with
    """,
    )
)
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
NAME = re.compile(r"\bas (\w+)\b|^(\w+) as \(", re.MULTILINE | re.IGNORECASE)


def names(sql: str) -> set[str]:
    """What a query names: columns, tables and common table expressions."""
    return {first or second for first, second in NAME.findall(COMMENT.sub("", sql).lower())}


def test_no_name_is_reserved():
    reserved = {path.stem: names(path.read_text()) & RESERVED for path in PROJECT_DIR.rglob("*.sql")}
    assert {stem: found for stem, found in reserved.items() if found} == {}


def test_a_reserved_name_is_found():
    sql = "with\n\nfollowing as (\n\n    select 1 as start -- as of\n)"
    assert names(sql) & RESERVED == {"following", "start"}


def test_no_double_slash():
    """It divides in DuckDB, and begins a comment in Snowflake and for the formatter: use `whole_quotient`."""
    assert [path.stem for path in PROJECT_DIR.rglob("*.sql") if "//" in path.read_text()] == []


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
    _assert_described(warehouse)


def test_lifetime_values_are_the_same_on_snowflake(snowflake):
    """The statements that Python writes: rows of numbers go in and out, and the tables have the same rows."""
    here = Warehouse([Cohort(lives(200, 7 * 60, 5))])
    here.add(46, 59)
    here.run(46, 59)
    types = {name: kind.lower() for name, kind, *_ in here.execute("describe purchases")}
    rows = here.execute.read(
        f"select {', '.join(f'cast({name} as varchar) as {name}' for name in types)} from purchases"
    )
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    with warehouse.session() as session:
        session("create schema if not exists mart_lifetime_value")
        with session.holding("mart_lifetime_value.given", rows) as held:
            cast = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
            session(f"create table mart_lifetime_value.purchases as select {cast} from {held}")
        for week in (46, 59):
            run_week(session, monday(week), "mart_lifetime_value.purchases")
        for name in COLUMNS:
            assert sorted(map(str, session(f"select * from {table(name)}"))) == sorted(
                map(str, here.execute(f"select * from {table(name)}"))
            ), name
            assert session(f"select count(*) from {table(name)}") != [(0,)]


def _assert_described(warehouse):
    """A table's description is written where it differs, and then found.

    The stand-in does not keep columns' comments as dbt-snowflake's own statement writes them, which is ours
    too, and takes no apostrophe in a table's.
    """
    described = [Description("mart_sales", "product_demand", False, "Grain: a day and product.", {})]
    with warehouse.session() as execute:
        for missing in ([{None: "Grain: a day and product."}], []):
            found = missing_comments(described, execute(SNOWFLAKE_COMMENTS))
            assert [texts for _, texts in found] == missing
            warehouse.comment(described, execute)


def _environment(settings):
    """What profiles.yml reads."""
    values = {"RETAIL_HOME": str(settings.home), "RETAIL_WAREHOUSE": "snowflake"}
    for name in ("account", "user", "host", "port", "protocol", "database"):
        values[f"RETAIL_SNOWFLAKE_{name.upper()}"] = str(getattr(settings, f"snowflake_{name}"))
    return values | {"RETAIL_SNOWFLAKE_PASSWORD": settings.snowflake_password.get_secret_value()}
