"""What a run does not build: views that stand until their tables change, and tables that nothing changed."""

import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from retail_assets.catalog.presence import table_of
from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import is_model_of
from retail_assets.quality import table_states
from retail_assets.quality.table_states import TableState
from retail_assets.transformation import runner
from retail_assets.transformation.plan import Plan, plan
from retail_assets.transformation.unchanged import Unchanged, standing, unchanged
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window
from retail_assets_tests.conftest import NEW_DAYS, deployment_in

VIEW, OTHER, TABLE = (f"model.retail_assets.{name}" for name in ("stg_a_versions", "stg_b_versions", "stg_a"))


def _node(name, kind, *parents, **config):
    return {
        "resource_type": "model",
        "schema": "staging",
        "name": name,
        "config": {"materialized": kind, **config},
        "depends_on": {"nodes": list(parents)},
    }


def _test(name, model, **config):
    return {
        "resource_type": "test",
        "attached_node": model,
        "test_metadata": {"name": name},
        "config": {"materialized": "test", **config},
        "depends_on": {"nodes": [model]},
    }


MANIFEST = {
    "sources": {"source.a": {"source_name": "crm"}, "source.b": {"source_name": "crm"}},
    "nodes": {
        VIEW: _node("stg_a_versions", "view", "source.a"),
        OTHER: _node("stg_b_versions", "view", "source.b"),
        # What it reads is found when it is made.
        "model.refused": _node("refused_rows", "view"),
        TABLE: _node("stg_a", "incremental", VIEW, meta={"affected": {"by": "stg_a_versions"}}),
        "test.a": _test("unique", VIEW),
        "test.versions": _test("unique_grain", VIEW, where="__window__"),
        "test.conserved": _test("conserved", TABLE),
        "test.window": _test("relationships", TABLE, where="__window__"),
        "test.whole": _test("has_lines", TABLE),
    },
}


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema staging")
        connection.execute(
            "create table raw.a (id bigint, name varchar, _changed_at timestamp, _deleted_at timestamp)"
        )
        connection.execute("insert into raw.a values (1, 'x', '2024-05-01 09:00', null)")
        connection.execute(
            "create view staging.stg_a_versions as"
            " select id as a_id, name, _changed_at, _deleted_at from raw.a"
        )
        connection.execute("create table staging.stg_a as from staging.stg_a_versions")
        connection.execute("create view staging.refused_rows as select 1 as one")
        yield connection


def _standing(connection):
    relations = {
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    return standing(MANIFEST, MANIFEST["nodes"].keys(), relations, connection.execute)


def test_views_of_raw_that_are_there_stand(warehouse):
    assert _standing(warehouse) == {VIEW}
    warehouse.execute("drop view staging.stg_a_versions")
    assert _standing(warehouse) == set()


def test_a_view_follows_a_column_to_another_type(warehouse):
    warehouse.execute("alter table raw.a alter id set data type varchar")
    assert _standing(warehouse) == {VIEW}
    assert warehouse.execute("select a_id from staging.stg_a_versions").fetchall() == [("1",)]


def test_a_view_over_a_column_that_is_gone_is_made_again(warehouse):
    warehouse.execute("alter table raw.a drop name")
    assert _standing(warehouse) == set()


def _reading(connection):
    return lambda sql: connection.execute(sql).fetchall()


def _window(day, month=5):
    start = datetime(2024, month, day, tzinfo=UTC)
    return Window(start, start + timedelta(days=1))


def _idle(connection, window, state="current", until=1, text_systems=(), **changes):
    """What has nothing to do in a window, of a table whose state reaches until the end of a day of May."""
    known = TableState("staging.stg_a", state, _window(1).start, _window(until).end)
    planned = Plan(window, {*MANIFEST["nodes"]}, **{"blocked": {}, "behind": {}, "rebuilt": ()} | changes)
    relations = {"staging.stg_a", "staging.stg_a_versions"}
    return unchanged(MANIFEST, planned, {known.table: known}, relations, text_systems, _reading(connection))


NOTHING_TO_DO = Unchanged({VIEW}, {TABLE}, {"test.conserved", "test.versions", "test.window"})


def test_a_table_without_a_change_in_the_window_is_not_built_and_its_rows_are_not_checked(warehouse):
    """A check of the whole table is made all the same."""
    assert _idle(warehouse, _window(2)) == NOTHING_TO_DO
    assert _idle(warehouse, _window(1)) == Unchanged({VIEW})


@pytest.mark.parametrize("column", ["_changed_at", "_deleted_at"])
@pytest.mark.parametrize(("moment", "is_new"), [("2024-05-02", True), ("2024-05-03", False)])
def test_a_new_version_and_a_deletion_are_changes(warehouse, column, moment, is_new):
    """The window is closed-open."""
    warehouse.execute(f"update raw.a set {column} = '{moment}'")
    assert _idle(warehouse, _window(2)) == (Unchanged({VIEW}) if is_new else NOTHING_TO_DO)


@pytest.mark.parametrize("state", ["stale", "failed", "refused", "not ingested"])
def test_a_table_that_is_not_current_is_built(warehouse, state):
    assert _idle(warehouse, _window(2), state) == Unchanged({VIEW})


def test_a_table_with_a_gap_or_without_its_source_or_to_be_rebuilt_is_built(warehouse):
    assert _idle(warehouse, _window(3), until=1) == Unchanged({VIEW})
    assert _idle(warehouse, _window(2), behind={TABLE: "late"}) == Unchanged({VIEW})
    assert _idle(warehouse, _window(2), rebuilt=[TABLE]) == Unchanged({VIEW})
    warehouse.execute("drop table staging.stg_a")
    assert unchanged(
        MANIFEST,
        Plan(_window(2), {*MANIFEST["nodes"]}, {}, {}, ()),
        {"staging.stg_a": TableState("staging.stg_a", "current", _window(1).start, _window(1).end)},
        {"staging.stg_a_versions"},
        (),
        _reading(warehouse),
    ) == Unchanged({VIEW})


def test_where_keys_are_text_all_is_built(warehouse):
    assert _idle(warehouse, _window(2), text_systems=["crm"]) == Unchanged()
    # Views know only in the run what keys are, of whichever system.
    assert _idle(warehouse, _window(2), text_systems=["erp"]) == Unchanged(
        tables={TABLE}, tests=NOTHING_TO_DO.tests
    )


def test_what_is_left_out_of_a_night_would_change_nothing(built, tmp_path):
    """Built all the same, none of these tables becomes another one, and all checks pass."""
    shutil.copytree(built.settings.home, tmp_path / "home")
    copy = deployment_in(tmp_path / "home")
    manifest, window = copy.manifest, _window(NEW_DAYS[-1].day, NEW_DAYS[-1].month)
    with duckdb.connect(copy.settings.duckdb_path) as connection:
        execute = _reading(connection)
        states = table_states.read(execute)
        nodes = {
            each
            for each, node in manifest["nodes"].items()
            if is_model_of(node, "daily")
            or (node["resource_type"] == "test" and node["attached_node"] in manifest["nodes"])
        }
        relations = {
            ".".join(row) for row in execute("select table_schema, table_name from information_schema.tables")
        }
        idle = unchanged(
            manifest, plan(manifest, nodes, states, window, makes_up=True), states, relations, (), execute
        )
        tables = sorted(table_of(manifest, each) for each in idle.tables)
        before = {each: sorted(execute(f"select * from {each}"), key=repr) for each in tables}
    assert len(idle.tables) > 10 < len(idle.tests), "next to nothing was left out, which proves little"
    assert "staging.stg_sales_orders" not in tables, "orders come every day"
    arguments = build_arguments(window, copy.settings.timezone)
    choice = runner.Choice([*idle.tables, *idle.tests])
    project = Project(copy.settings)
    loaded = project.load()
    choice.mark(loaded)
    with copy.entered():
        done = [
            message["data"]["node_info"]["unique_id"]
            for message in runner.invoke(project, [*arguments, *choice.arguments], loaded)
        ]
    assert {*done} == {*idle.tables, *idle.tests}
    with duckdb.connect(copy.settings.duckdb_path) as connection:
        for table in tables:
            assert sorted(connection.execute(f"select * from {table}").fetchall(), key=repr) == before[table]
