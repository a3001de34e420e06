"""Law 1. Every source row is in staging or in quarantine, exactly once."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from retail_assets.catalog.contract import SourceTable, snake_case, source_tables
from retail_assets.catalog.project import Project
from retail_assets.settings import REFERENCE, SYSTEMS
from retail_assets_tests.conftest import START, Deployment

# Planted faults of a reference, which no row of its own can be judged by: a check reports those.
DANGLING = {"there is no such offer"}


def _tables(deployment: Deployment) -> Iterator[SourceTable]:
    for system in SYSTEMS:
        yield from source_tables(deployment.manifest, system)


def _models(deployment: Deployment) -> Mapping[tuple[str, str], str]:
    """The model that stages a table, by the table's system and name."""
    return {
        (node["sources"][0][0], node["sources"][0][1]): node["name"].removesuffix("_versions")
        for node in deployment.manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].endswith("_versions")
    }


def test_every_source_row_is_somewhere_once(built):
    models = _models(built)
    quarantined = dict(built.query("select model_name, count(*) from staging.quarantine group by model_name"))
    assert len(quarantined) > 10, "next to nothing was quarantined, which proves little"
    for table in _tables(built):
        place = Path(built.settings.source_url(table.system))
        if table.is_optional and not any(place.glob(f"{table.name}*")):
            # Few companies have it, and the simulated retailer does not either.
            assert built.query(f"select count(*) from {table.schema}.{table.name}") == [(0,)]
            continue
        name = models[table.system, table.name]
        ((staged,),) = built.query(f"select count(*) from staging.{name}")
        rows = _rows_in_source(built, table)
        assert rows, f"{table.name} is empty, which proves nothing"
        assert staged + quarantined.get(name, 0) == rows, name


def _rows_in_source(built: Deployment, table: SourceTable) -> int:
    """The different keys that the source has."""
    key = {column.source_name for column in table.columns if column.name in table.primary_key}
    if table.kind == "files":
        folders = [built.settings.source_url(table.system), str(REFERENCE / table.system)]
        return _count_in_files(folders, table.source_table, key)
    name = table.source_table.split(".")[-1]
    with closing(sqlite3.connect(built.sources / f"{table.system}.sqlite")) as database:
        columns = [row[1] for row in database.execute(f'pragma table_info("{name}")')]
        named = ", ".join(f'"{column}"' for column in columns if snake_case(column) in key)
        ((rows,),) = database.execute(f'select count(*) from (select distinct {named} from "{name}")')
    return int(rows)


def _count_in_files(folders: list[str], name: str, key: set[str]) -> int:
    """Of the first folder that has such files; what a source does not have may be shipped."""
    readers = {f"{name}.csv": "csv", f"{name}/*.csv*": "csv", f"{name}/*.parquet": "parquet"}
    relation = next(
        f"read_{reader}('{folder}/{pattern}')"
        for folder in folders
        for pattern, reader in readers.items()
        if any(Path(folder).glob(pattern))
    )
    with duckdb.connect() as connection:
        keys = connection.sql(f"select distinct {', '.join(sorted(key))} from {relation}")
        return len(keys.fetchall())


def test_quarantine_lists_every_model_with_rules(manifest):
    judged = {
        node["unique_id"]
        for node in manifest["nodes"].values()
        if node["config"].get("meta", {}).get("quarantine")
    }
    quarantine = manifest["nodes"]["model.retail_assets.quarantine"]
    read = {each for each in quarantine["depends_on"]["nodes"] if each.endswith("_versions")}
    assert judged == {each.removesuffix("_versions") for each in read}


def test_the_planted_faults_are_in_quarantine_and_nothing_else_is(built, retailer):
    models = _models(built)
    names = {(table.system, table.source_table.split(".")[-1]): table.name for table in _tables(built)}
    planted = {
        _row_key(built, models[fault["system"], names[fault["system"], fault["table"]]], fault["key"])
        for fault in retailer.truth["faults"].to_pylist()
        if fault["reason"] not in DANGLING
    }
    assert {model.split("_")[0] for model, _ in planted} == {"stg"}
    assert set(built.query("select model_name, row_key from staging.quarantine")) == planted


def _row_key(deployment: Deployment, model: str, key: str) -> tuple[str, str]:
    """A model and a fault's key as quarantine writes them: by staging's names, in the contract's order."""
    values = {snake_case(column): value for column, value in json.loads(key).items()}
    versions = deployment.manifest["nodes"][f"model.retail_assets.{model}_versions"]
    (table,) = [each for each in _tables(deployment) if [each.system, each.name] in versions["sources"]]
    names = deployment.manifest["nodes"][f"model.retail_assets.{model}"]["config"]["unique_key"]
    pairs = zip(names, table.primary_key, strict=True)
    return model, ", ".join(f"{name}={values[column]}" for name, column in pairs)


@pytest.mark.parametrize(
    ("model", "key"),
    [("stg_sales_orders", "sales_order_id"), ("stg_loyalty_activities", "loyalty_activity_id")],
)
def test_the_check_sees_a_lost_row(built, tmp_path, model, key):
    """The dbt test itself: with a row taken out of staging, it finds that row."""
    statement = _compiled_check(built, model)
    copy = shutil.copyfile(built.settings.duckdb_path, tmp_path / built.settings.duckdb_path.name)
    with duckdb.connect(copy) as connection:
        assert connection.execute(statement).fetchall() == []
        connection.execute(
            f"delete from staging.{model} where {key} = (select max({key}) from staging.{model})"
        )
        assert len(connection.execute(statement).fetchall()) == 1


def test_the_check_costs_what_the_day_brought(built, tmp_path):
    """Of many row groups it reads those that the window's rows lie in, also where raw has had higher numbers
    than staging has: an `or` of two times of change would read all."""
    old, new = 500_000, 1_000
    with duckdb.connect(tmp_path / built.settings.duckdb_path.name) as connection:
        connection.execute(f"""
            create schema staging;
            create schema raw_webshop;
            create table staging.stg_webshop_events as select range as event_id from range({old + new});
            create table staging.quarantine (model_name varchar, row_key varchar, is_refused boolean);
            create table raw_webshop.events as
                select
                    event_id as id,
                    timestamp '{START}' - to_days(cast(event_id < {old} as integer)) as _changed_at,
                    cast(null as timestamp) as _deleted_at
                from staging.stg_webshop_events;
            insert into raw_webshop.events
                select id + {old + new}, _changed_at, _deleted_at from raw_webshop.events where id < 1000;
            create view staging.stg_webshop_events_versions as
                select id as event_id, _changed_at, _deleted_at from raw_webshop.events;
        """)
        profile = tmp_path / "profile.json"
        connection.execute(f"set enable_profiling = 'json'; set profiling_output = '{profile}'")
        assert connection.execute(_compiled_check(built, "stg_webshop_events")).fetchall() == []
    read = json.loads(profile.read_text())["query"]["total_rows_scanned"]
    assert new < read < old / 2


def _compiled_check(built: Deployment, model: str) -> str:
    (check,) = [
        node
        for node in built.manifest["nodes"].values()
        if node.get("attached_node") == f"model.retail_assets.{model}"
        and node["test_metadata"]["name"] == "conserved"
    ]
    (path,) = (Project(built.settings).target_path / "compiled").rglob(check["path"])
    return path.read_text()
