"""Views that are made once: they stand until what they are made from changes."""

import duckdb
import pytest

from retail_assets.transformation.views import standing

VIEW, OTHER, TABLE = (f"model.retail_assets.{name}" for name in ("stg_a_versions", "stg_b_versions", "stg_a"))


def _node(name, kind, *parents):
    return {
        "resource_type": "model",
        "schema": "staging",
        "name": name,
        "config": {"materialized": kind},
        "depends_on": {"nodes": list(parents)},
    }


MANIFEST = {
    "sources": {"source.a": {}, "source.b": {}},
    "nodes": {
        VIEW: _node("stg_a_versions", "view", "source.a"),
        OTHER: _node("stg_b_versions", "view", "source.b"),
        # What it reads is found when it is made.
        "model.refused": _node("refused_rows", "view"),
        TABLE: _node("stg_a", "incremental", VIEW),
        "test.a": _node("unique", "test", VIEW) | {"resource_type": "test"},
    },
}


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema staging")
        connection.execute("create table raw.a (id bigint, name varchar); insert into raw.a values (1, 'x')")
        connection.execute("create view staging.stg_a_versions as select id as a_id, name from raw.a")
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
