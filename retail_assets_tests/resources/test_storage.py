"""The warehouse's file: older versions of DuckDB open it; one of another storage version is rewritten."""

import os
import struct
from pathlib import Path

import duckdb
import pytest

from retail_assets.resources import storage
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings
from retail_assets_tests.faults import Area, fault


def _number(path):
    """The storage version, where DuckDB 1.4 and 1.5 look for it: they open 64 to 67, and 64 to 68."""
    return struct.unpack("<Q", path.read_bytes()[12:20])[0]


def test_whoever_opens_the_warehouse_first_gets_one_that_older_versions_open(tmp_path):
    settings = Settings(home=tmp_path)
    warehouse = warehouse_of(settings)
    with warehouse.writing(print):
        # As dlt and dbt do, which know nothing of storage versions.
        with duckdb.connect(settings.duckdb_path) as connection:
            connection.execute("create table t as select range as a, 'x' || range as b from range(100000)")
        assert warehouse.outdated_storage() is None
        warehouse.publish()
    assert _number(settings.duckdb_path) == _number(settings.published_path) == 67


def test_the_readers_copy_of_a_built_home_is_one_that_older_versions_open(built):
    assert _number(built.settings.duckdb_path) == _number(built.settings.published_path) == 67


@pytest.fixture
def newest(tmp_path):
    """A database as this DuckDB writes it by itself, with part of it only in the log."""
    path = tmp_path / "retail.duckdb"
    with duckdb.connect(path) as connection:
        for statement in (
            "create schema staging",
            "create table staging.a (id bigint not null, amount decimal(19, 4), name varchar)",
            "insert into staging.a select 10000 - range, range / 7, 'n' || range from range(10000)",
            "create view staging.b as select * from retail.staging.a",
            "create view staging.a_first as select * from retail.staging.b",
            "comment on column staging.a.name is 'Its name.'",
            "checkpoint",
            "pragma disable_checkpoint_on_shutdown",
            "insert into staging.a values (-1, 0.1, 'in the log')",
        ):
            connection.execute(statement)
    return path


def _content(path):
    with duckdb.connect(path, read_only=True) as connection:
        return [
            connection.execute(f"select * from {each}").fetchall()
            for each in ("staging.a", "staging.b", "staging.a_first")
        ] + connection.execute(
            "select table_name, column_name, data_type, is_nullable, comment from duckdb_columns()"
            " where not internal order by all"
        ).fetchall()


def test_a_database_is_written_anew_with_all_that_is_in_it_in_its_order(newest):
    assert (newest.parent / "retail.duckdb.wal").exists()
    before = _content(newest)
    storage.rewrite(newest)
    assert _number(newest) == 67
    assert storage.block_size_of(newest)
    assert _content(newest) == before
    assert [path.name for path in newest.parent.iterdir()] == ["retail.duckdb"]


@fault(
    Area.UPGRADES,
    "The process is killed while the warehouse is written in another storage version",
    "The old file is there; the next run writes it anew.",
)
def test_killed_while_it_is_written_anew_the_old_one_is_there(newest, monkeypatch):
    before = _content(newest)

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        storage.rewrite(newest)
    assert _content(newest) == before
    monkeypatch.undo()
    storage.rewrite(newest)
    assert _number(newest) == 67
    assert _content(newest) == before


def test_what_is_no_database_is_said():
    with pytest.raises(ValueError, match="is no DuckDB database"):
        storage.storage_version(Path(__file__))
