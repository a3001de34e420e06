"""A raw table takes the contract's new shape, or is refused; what was loaded stays."""

from dataclasses import replace

import duckdb
import pytest

from retail_assets.catalog.contract import SourceColumn, SourceTable
from retail_assets.ingestion.raw_changes import RawTypeError, column_of, raw_changes
from retail_assets.ingestion.raw_tables import create_statement


def _column(name, data_type):
    return SourceColumn(name=name, data_type=data_type, description="", pii=False)


BEFORE = SourceTable(
    system="erp", kind="sql", name="orders", schema="raw_erp", source_table="Orders", description="",
    primary_key=("id",), modified=(), load="window", parent=None, unique_id="source.erp.orders",
    columns=(_column("id", "bigint"), _column("amount", "decimal(19,4)"), _column("name", "varchar")),
)  # fmt: skip


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute("create schema raw_erp")
        connection.execute(create_statement(BEFORE))
        connection.execute("insert into raw_erp.orders (id, amount, name, _row_hash) values (1, 2.5, 'a', 7)")
        yield connection


def _changes(connection, table):
    there = {
        name: column_of(*described)
        for name, *described in connection.execute(
            "select column_name, data_type, numeric_precision, numeric_scale, is_nullable"
            " from information_schema.columns where table_schema = 'raw_erp'"
        ).fetchall()
    }
    return list(raw_changes(table, there))


def test_a_table_as_the_contract_says_is_left(connection):
    assert _changes(connection, BEFORE) == []


@pytest.mark.parametrize(
    ("change", "texts", "row"),
    [
        ({"columns": (*BEFORE.columns, _column("phone", "varchar"))}, ["add phone"], (1, 2.5, "a", None)),
        (
            {"columns": (BEFORE.columns[0], _column("amount", "decimal(38, 4)"), BEFORE.columns[2])},
            ["widen amount from decimal(19,4) to decimal(38, 4)"],
            (1, 2.5, "a"),
        ),
        ({"primary_key": ("name",)}, ["let id be empty"], (1, 2.5, "a")),
        ({"columns": BEFORE.columns[:2]}, [], (1, 2.5, "a")),
    ],
    ids=["gains a column", "wider", "another key", "loses a column"],
)
def test_a_table_takes_the_contracts_shape(connection, change, texts, row):
    table = replace(BEFORE, **change)
    changes = _changes(connection, table)
    assert [each.text for each in changes] == texts
    for each in changes:
        connection.execute(each.statement)
    assert connection.execute("select columns('^[^_]') from raw_erp.orders").fetchall() == [row]
    assert _changes(connection, table) == []


@pytest.mark.parametrize(
    "data_type", ["varchar", "bigint", "decimal(18,4)", "decimal(19,2)", "decimal(38,6)"]
)
def test_what_would_lose_something_is_refused(connection, data_type):
    table = replace(BEFORE, columns=(BEFORE.columns[0], _column("amount", data_type), BEFORE.columns[2]))
    with pytest.raises(RawTypeError, match=r"raw_erp.orders.amount was loaded as decimal\(19,4\)"):
        _changes(connection, table)


@pytest.mark.parametrize(
    ("described", "data_type"),
    [
        (("NUMBER", 38, 0, "YES"), "decimal(38,0)"),
        (("NUMBER", 19, 4, "NO"), "decimal(19,4)"),
        (("TEXT", None, None, "YES"), "varchar"),
        (("TIMESTAMP_NTZ", None, None, "YES"), "timestamp"),
        (("FLOAT", None, None, "YES"), "double"),
        (("DECIMAL(19,4)", 19, 4, "YES"), "decimal(19,4)"),
    ],
)
def test_types_of_both_engines_are_known(described, data_type):
    assert column_of(*described).data_type == data_type


def test_keys_of_text_are_no_change_of_the_contract(connection):
    columns = tuple(replace(column, is_key=column.name == "id") for column in BEFORE.columns)
    connection.execute("alter table raw_erp.orders alter column id set data type varchar")
    assert _changes(connection, replace(BEFORE, columns=columns)) == []
    with pytest.raises(RawTypeError, match="id was loaded as varchar"):
        _changes(connection, BEFORE)
