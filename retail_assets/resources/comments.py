"""Descriptions as comments in the warehouse, where BI tools show them.

All comments are compared in one query, and only differences are written: none in a night without a changed
description or a rebuilt table.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Execute = Callable[[str], Sequence[tuple[Any, ...]]]
Missing = Mapping[str | None, str]
"""Comments by column; by None that of the table itself."""


@dataclass(frozen=True)
class Description:
    """What a table and its columns are."""

    schema: str
    table: str
    is_view: bool
    text: str
    columns: Mapping[str, str]


# Schema, table, column (null for the table itself) and comment.
DUCKDB_COMMENTS = """
    select schema_name, table_name, null, comment from duckdb_tables() where not internal
    union all
    select schema_name, view_name, null, comment from duckdb_views() where not internal
    union all
    select schema_name, table_name, column_name, comment from duckdb_columns() where not internal
"""
SNOWFLAKE_COMMENTS = """
    select table_schema, table_name, null, comment from information_schema.tables
    union all
    select table_schema, table_name, column_name, comment from information_schema.columns
"""


def missing_comments(
    descriptions: Iterable[Description], found: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[Description, Missing]]:
    """The tables that are there, each with what differs from its description."""
    known: dict[tuple[str, str], dict[str | None, str]] = {}
    for schema, table, column, comment in found:
        of_table = known.setdefault((schema.lower(), table.lower()), {})
        of_table[column.lower() if column else None] = comment or ""
    for description in descriptions:
        there = known.get((description.schema, description.table), {})
        wanted: dict[str | None, str] = {None: description.text}
        wanted.update(description.columns)
        differing = {name: text for name, text in wanted.items() if name in there and there[name] != text}
        if differing:
            yield description, differing


def duckdb_statements(description: Description, missing: Missing) -> Iterator[str]:
    """DuckDB's: one for each comment."""
    relation = f"{description.schema}.{description.table}"
    for column, text in missing.items():
        kind = "view" if description.is_view else "table"
        named = f"column {relation}.{column}" if column else f"{kind} {relation}"
        yield f"comment on {named} is {_quoted(text)}"


def snowflake_statements(description: Description, missing: Missing) -> Iterator[str]:
    """Snowflake's: all columns of a table in one."""
    relation = f"{description.schema}.{description.table}"
    kind = "view" if description.is_view else "table"
    if None in missing:
        yield f"comment on {kind} {relation} is {_escaped(missing[None])}"
    columns = [f"column {name} comment {_escaped(text)}" for name, text in missing.items() if name]
    if columns:
        yield f"alter {kind} {relation} alter {', '.join(columns)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    # A backslash begins an escape in Snowflake's literals.
    return _quoted(text.replace("\\", "\\\\"))
