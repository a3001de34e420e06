"""Raw's tables in the warehouse: created by the contract, whether or not the source has anything for them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from retail_assets.catalog.contract import ADDED_COLUMNS, LOADED_AT, MODIFIED_AT, ROW_HASH, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.ingestion.versions import timestamp
from retail_assets.resources.warehouse import Execute


def create_raw_tables(tables: Sequence[SourceTable], execute: Execute) -> list[str]:
    """Create the tables that are not there, and add the columns that they lack. Returns the new ones."""
    schema = tables[0].schema
    there = column_types(schema, execute)
    if not there:
        execute(f"create schema if not exists {schema}")
    for table in tables:
        known = there.get(table.name)
        if known is None:
            execute(create_statement(table))
            continue
        for name, data_type in _typed(table).items():
            if name not in known:
                execute(f"alter table {schema}.{table.name} add column {name} {data_type}")
    if refusals.TABLE not in there:
        refusals.create_table(schema, execute)
    return [table.name for table in tables if table.name not in there]


def create_statement(table: SourceTable) -> str:
    """The statement that creates a raw table, empty."""
    required = {*table.primary_key, ROW_HASH}
    columns = ", ".join(
        f"{name} {data_type}{' not null' if name in required else ''}"
        for name, data_type in _typed(table).items()
    )
    return f"create table if not exists {table.schema}.{table.name} ({columns})"


def count_rows(tables: Sequence[SourceTable], execute: Execute) -> Mapping[str, int]:
    """How many rows each table has: metadata in both warehouses, no scan."""
    counts = " union all ".join(
        f"select '{table.name}', count(*) from {table.schema}.{table.name}" for table in tables
    )
    return {name: int(rows) for name, rows in execute(counts)} if tables else {}


def loaded_since(tables: Sequence[SourceTable], moment: datetime, execute: Execute) -> datetime | None:
    """When the last row was loaded that was loaded at that moment or later, if any was."""
    asked = " union all ".join(
        f"select max({LOADED_AT}) as latest from {table.schema}.{table.name}"
        f" where {LOADED_AT} >= {timestamp(moment)}"
        for table in tables
    )
    ((latest,),) = execute(f"select max(latest) from ({asked}) as loads") if tables else ((None,),)
    return latest.replace(tzinfo=UTC) if latest else None


def put_in_order(table: SourceTable, execute: Execute) -> None:
    """Rewrite a table in order of its key, in one transaction.

    A load leaves rows in any order. Most keys are numbers that grow with time, so later loads append in
    order, the rows of a day are close together, and a query for them prunes the rest.
    """
    name = f"{table.schema}.{table.name}"
    columns = ", ".join(_typed(table))
    execute("begin")
    try:
        execute(f"alter table {name} rename to {table.name}_as_loaded")
        execute(create_statement(table))
        execute(
            f"insert into {name} ({columns}) select {columns} from {name}_as_loaded"
            f" order by {', '.join(table.primary_key)}, {MODIFIED_AT}"
        )
        execute(f"drop table {name}_as_loaded")
    except BaseException:
        execute("rollback")
        raise
    execute("commit")


def _typed(table: SourceTable) -> Mapping[str, str]:
    return {column.name: column.data_type for column in table.columns} | ADDED_COLUMNS


def column_types(schema: str, execute: Execute) -> Mapping[str, Mapping[str, str]]:
    """The types of a schema's columns, in lower case, by table and column."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, data_type in execute(
        "select lower(table_name), lower(column_name), lower(data_type) from information_schema.columns"
        f" where lower(table_schema) = '{schema}' order by ordinal_position"
    ):
        found[table][column] = data_type
    return dict(found)
