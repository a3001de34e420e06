"""The type of a system's keys: whole numbers, or text (`#1001`, `A-17`, `0017`, UUIDs).

It is detected once, for all keys of a system and all references to them, from the first rows. From then on
the type of raw's columns decides. A mapping's `keys` sets it beforehand, or converts numbers to text later.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import duckdb

from retail_assets.catalog.contract import KEY_TYPES, SourceTable, source_tables
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.key_values import is_no_value, is_number
from retail_assets.ingestion.raw_tables import column_types, create_statement
from retail_assets.ingestion.source import Source
from retail_assets.resources.warehouse import Execute
from retail_assets.settings import SYSTEMS

Keys: TypeAlias = Literal["number", "text"]


# What the warehouses call the types of key columns.
_NUMBERS = ("bigint", "number")
# The suffix of a table's name while it is rewritten.
_BEFORE = "_before"


def settled_keys(
    source: Source, tables: Sequence[SourceTable], located: Container[str], execute: Execute
) -> tuple[Keys, bool]:
    """What the system's keys are from now on, and whether dlt may remember that they were others.

    Of the `located` tables the keys are looked at, if it is not settled yet.
    Raises `SourceError` if the mapping wants numbers where raw has text.
    """
    wanted = source.mapping.keys
    schema = tables[0].schema
    there = column_types(schema, execute)
    known = _known(tables, there)
    has_rows = known and any(
        execute(f"select 1 from {schema}.{table.name} limit 1") for table in tables if table.name in there
    )
    if has_rows and (wanted, known) == ("number", "text"):
        raise SourceError(
            f"{source.mapping.path}: keys: number, but raw has keys of {source.system} that are text. Write"
            f" `keys: text`, or drop the schema {schema} and load it again."
        )
    if has_rows:
        keys: Keys = wanted or known or "number"
    else:
        looked_at = (table for table in tables if table.name in located)
        keys = wanted or ("text" if any(_has_text(source, table) for table in looked_at) else "number")
    others = [table for table in tables if _types(table, there) - {keys} or f"{table.name}{_BEFORE}" in there]
    for table in others:
        _rewrite(table, keys, there, execute)
    staged = column_types(f"{schema}_staging", execute)
    for table in tables:
        if _types(table, staged) - {keys}:
            execute(f"drop table {schema}_staging.{table.name}")
    return keys, bool(others) or not has_rows


def with_keys(table: SourceTable, keys: Keys) -> SourceTable:
    """The table with its keys, and what refers to keys, of this type."""
    return replace(
        table,
        columns=tuple(
            replace(column, data_type=KEY_TYPES[keys]) if column.is_key else column
            for column in table.columns
        ),
    )


def systems_of_text(manifest: Mapping[str, Any], execute: Execute) -> list[str]:
    """The systems whose keys are text in raw. One query, of the catalog alone."""
    keys = {
        (table.schema, table.name, column.name): table.system
        for system in SYSTEMS
        for table in source_tables(manifest, system)
        for column in table.columns
        if column.is_key
    }
    schemas = ", ".join(sorted({f"'{schema}'" for schema, *_ in keys}))
    found = execute(
        "select lower(table_schema), lower(table_name), lower(column_name), lower(data_type)"
        f" from information_schema.columns where lower(table_schema) in ({schemas})"
    )
    return sorted(
        {
            keys[each]
            for *column, data_type in found
            if (each := tuple(column)) in keys and data_type not in _NUMBERS
        }
    )


def first_text(connection: duckdb.DuckDBPyConnection, relation: str, columns: Iterable[str]) -> str | None:
    """A key of the relation that is no number, as `column 'value'`; None if all are.

    An empty text and words such as NULL are no keys.
    """
    for column in columns:
        found = connection.execute(f"""
            select cast("{column}" as varchar) from {relation}
            where not {is_no_value(f'"{column}"')} and not {is_number(f'"{column}"')} limit 1
        """).fetchall()
        if found:
            return f"{column} '{found[0][0]}'"
    return None


def _has_text(source: Source, table: SourceTable) -> bool:
    try:
        return source.text_key(table) is not None
    except SourceUnreachableError:
        raise
    except SourceError:
        # What is wrong with it is told when it is read.
        return False


def _types(table: SourceTable, there: Mapping[str, Mapping[str, str]]) -> set[Keys]:
    """What the keys of a table in raw are."""
    columns = there.get(table.name, {})
    return {
        "number" if columns[column.name] in _NUMBERS else "text"
        for column in table.columns
        if column.is_key and column.name in columns
    }


def _known(tables: Sequence[SourceTable], there: Mapping[str, Mapping[str, str]]) -> Keys | None:
    """What raw's keys are; None where raw has none yet. Text, if a crash left some of them numbers."""
    types = {each for table in tables for each in _types(table, there)}
    return "text" if "text" in types else "number" if types else None


def _rewrite(
    table: SourceTable, keys: Keys, there: Mapping[str, Mapping[str, str]], execute: Execute
) -> None:
    """Give a table in raw the other type of keys, or go on where a crash left off.

    A row keeps its hash, which is made of how its values are written.
    """
    name, before = f"{table.schema}.{table.name}", f"{table.schema}.{table.name}{_BEFORE}"
    is_begun = f"{table.name}{_BEFORE}" in there
    typed = with_keys(table, keys)
    types = {column.name: column.data_type for column in typed.columns if column.is_key}
    known = there[f"{table.name}{_BEFORE}" if is_begun else table.name]
    columns = [column for column in known if column in typed.raw_schema.names]
    values = [f"cast({each} as {types[each]})" if each in types else each for each in columns]
    # Not every warehouse takes these back together.
    execute("begin")
    try:
        if not is_begun:
            execute(f"create table {before} as select * from {name}")
        execute(f"drop table if exists {name}")
        execute(create_statement(typed))
        execute(f"insert into {name} ({', '.join(columns)}) select {', '.join(values)} from {before}")
        execute(f"drop table {before}")
    except BaseException:
        execute("rollback")
        raise
    execute("commit")
