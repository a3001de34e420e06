"""A backfill in a process of its own, without a terminal: what it says, and what it leaves."""

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import dagster as dg
import duckdb
import pytest
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.workspace.load_target import WorkspaceFileTarget

from retail_assets.catalog.exposures import TYPES
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.segmentation.catalog import COLUMNS
from retail_assets_tests.conftest import NEW_DAYS, WEEKS, write_evening

DAY = NEW_DAYS[0]


def backfill(deployment, *options):
    command = [sys.executable, "-m", "retail_assets.cli", "backfill", "--from", f"{DAY}", "--to", f"{DAY}"]
    environment = deployment.environment | {"COLUMNS": "80"}
    return subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture
def evening(deployment, retailer):
    """A deployment in whose sources a day is over that it has not ingested yet."""
    write_evening(retailer, deployment, DAY)
    return deployment


def test_a_run_says_what_became_of_the_rows(evening):
    before = _rows(evening)
    run = backfill(evening)
    assert run.returncode == 0, run.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", run.stdout + run.stderr)
    assert max(map(len, run.stdout.splitlines())) <= 80

    assert "raw_erp: started\n" in run.stderr
    # Steps and nothing else, such as what libraries say at the end of a process.
    assert not [line for line in run.stderr.splitlines() if not re.match(r"[a-z_]+: ", line)]
    assert re.search(r"^transformation: done, \d+\.\d s$", run.stderr, re.MULTILINE)

    told = {label: numbers for label, *numbers in (line.split() for line in run.stdout.splitlines() if line)}
    new = {table: number - before[table] for table, number in _rows(evening).items()}
    header, total = told["rows"], told["total"]
    assert int(total[header.index("new")].replace(",", "")) == sum(new.values())
    most = max(new, key=lambda table: new[table])
    assert most in told

    ((quarantined,),) = evening.query(
        f"select count(*) from staging.quarantine where cast(_changed_at as date) = '{DAY}'"
    )
    assert quarantined
    assert int(total[header.index("quarantined")].replace(",", "")) == quarantined

    _assert_the_ui_knows(evening)
    _assert_readers_find_what_they_need(evening)


def _rows(deployment):
    tables = deployment.query(
        "select schema_name, table_name from duckdb_tables()"
        " where regexp_matches(schema_name, '^raw_[a-z]*$') and not starts_with(table_name, '_')"
    )
    return {
        f"{schema.removeprefix('raw_')}.{table}": deployment.query(f"select count(*) from {schema}.{table}")[
            0
        ][0]
        for schema, table in tables
    }


def _assert_the_ui_knows(deployment):
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        # Its deployment is that of the UI, be it started by `dagster dev -m` or from workspace.yaml.
        (served,) = WorkspaceFileTarget(paths=[str(PROJECT_DIR.parent / "workspace.yaml")]).create_origins()
        label = f"__repository__@{served.location_name}"
        assert run.tags[REPOSITORY_LABEL_TAG] == label
        assert run.remote_job_origin is not None
        assert run.remote_job_origin.repository_origin.get_label() == label
        assert run.remote_job_origin.job_name == run.job_name == "daily"
        assert run.status is dg.DagsterRunStatus.SUCCESS
        # Every asset's newest partition was judged: the days go on after this one, so it is not there.
        evaluations = [
            entry.get_dagster_event().asset_check_evaluation_data
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        ]
        judged = [each for each in evaluations if each.check_name == "newest_partition"]
        made = [
            entry.get_dagster_event().step_materialization_data.materialization
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        ]
        assert {each.asset_key for each in judged} == {each.asset_key for each in made}
        counted = {".".join(each.asset_key.path): each.metadata for each in made}
    views = {
        f"{node['schema']}.{node['name']}"
        for node in deployment.manifest["nodes"].values()
        if node["config"].get("materialized") == "view"
    }
    # To count a view's rows is to run its query. What people look at is no table.
    for table, metadata in counted.items():
        if table in views or table.split(".")[0] in TYPES:
            continue
        ((rows,),) = deployment.query(f"select count(*) from {table}")
        assert metadata["dagster/row_count"].value == rows, table


def _is_weekly(node):
    return node["config"]["meta"]["dagster"]["partition"] == "weekly"


def _assert_readers_find_what_they_need(deployment):
    nodes = [*deployment.manifest["sources"].values(), *deployment.manifest["nodes"].values()]
    described = {
        (node["schema"], node["name"], column): text["description"]
        for node in nodes
        if node["resource_type"] in ("source", "model") and not _is_weekly(node)
        for column, text in node["columns"].items()
    }
    with duckdb.connect(deployment.settings.published_path, read_only=True) as connection:
        comments = {
            tuple(key): comment
            for *key, comment in connection.execute(
                "select schema_name, table_name, column_name, comment from duckdb_columns()"
                " where not internal"
            ).fetchall()
        }
        schemas = {
            name for (name,) in connection.execute("select schema_name from duckdb_schemas()").fetchall()
        }
    assert len(described) > 1000
    assert {key: comments[key] for key in described} == described
    assert not [name for name in schemas if name.endswith("_staging")]


def test_a_refused_table_fails_the_run_and_is_told(evening):
    with closing(sqlite3.connect(evening.erp)) as database:
        database.execute("alter table Store drop column Name")
    run = backfill(evening, "--select", "group:raw_erp")
    assert run.returncode == 1
    assert run.stdout.startswith("Failed: ")
    assert "Refused, so that figures lack it:" in run.stdout
    refused = re.sub(r"\s+", " ", run.stdout.split("Refused", 1)[1])
    assert "erp.store: " in refused
    assert "name" in refused.lower()
    # The others are there, and counted.
    assert re.search(r"^total +\d", run.stdout, re.MULTILINE)


def test_nobody_is_asked_to_sign_up(evening):
    with dg.DagsterInstance.get() as instance:
        assert not instance.nux_enabled


def test_a_week_has_its_rows_and_descriptions(deploy, built):
    deployment = deploy()
    shutil.copytree(built.settings.home, deployment.settings.home, dirs_exist_ok=True)
    result = deployment.run_weeks(WEEKS[-1], WEEKS[-1])
    for event in result.get_asset_materialization_events():
        said = event.step_materialization_data.materialization
        if said.asset_key.path[0] in TYPES:
            continue
        table = ".".join(said.asset_key.path)
        ((all_, of_week),) = deployment.query(
            f"select count(*), count(*) filter (week_start = '{WEEKS[-1]}') from {table}"
        )
        assert said.metadata["dagster/row_count"].value == all_
        if said.asset_key.path[-1] in COLUMNS:
            assert said.metadata["dagster/partition_row_count"].value == of_week
    comments = deployment.query(
        "select table_name, column_name, comment from duckdb_columns()"
        " where schema_name = 'mart_segmentation'"
    )
    assert len(comments) > 60
    assert all(comment for *_, comment in comments)
    known = {(table, column): comment for table, column, comment in comments}
    for table, columns in COLUMNS.items():
        assert {column: known[table, column] for column in columns} == {
            column: description for column, (_, description) in columns.items()
        }
