"""Migrating raw's tables when the contract changes: loaded rows stay, in the new shape."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.catalog.contract import ADDED_COLUMNS, KEY_TYPES, ROW_HASH, SourceTable
from retail_assets.errors import UserError

_SNOWFLAKE_NAMES = {"text": "varchar", "timestamp_ntz": "timestamp", "float": "double"}
# Snowflake's type for whole numbers.
_WHOLE = "decimal(38,0)"


class RawTypeError(UserError):
    """Values that were loaded cannot be converted to the contract's type without loss."""


@dataclass(frozen=True)
class Column:
    """A column of an existing table."""

    data_type: str
    is_nullable: bool


@dataclass(frozen=True)
class RawChange:
    """One change to an existing raw table, and the statement that makes it."""

    table: SourceTable
    text: str
    statement: str
    changes_values: bool = False
    """Whether values that were loaded before may change."""


def column_of(data_type: str, precision: int | None, scale: int | None, is_nullable: str) -> Column:
    """A column as `information_schema.columns` describes it, on either engine."""
    name = data_type.lower().replace(" ", "")
    name = _SNOWFLAKE_NAMES.get(name, name)
    if name == "number":
        name = f"decimal({precision},{scale})"
    return Column(name, is_nullable.lower() == "yes")


def raw_changes(table: SourceTable, there: Mapping[str, Column]) -> Iterator[RawChange]:
    """The changes that bring an existing raw table in line with the contract.

    Columns that the contract no longer has stay, and become nullable. Raises `RawTypeError`.
    """
    declared = {column.name: column.data_type for column in table.columns} | ADDED_COLUMNS
    required = {*table.primary_key, ROW_HASH}
    name = f"{table.schema}.{table.name}"
    keys = {column.name for column in table.columns if column.is_key}
    for column, data_type in declared.items():
        if column in keys and column in there and there[column].data_type in KEY_TYPES.values():
            # Whether keys are numbers or text depends on the source (keys.py).
            continue
        if column not in there:
            yield RawChange(table, f"add {column}", f"alter table {name} add column {column} {data_type}")
        elif not _is(there[column].data_type, data_type):
            if not _widens(there[column].data_type, data_type):
                raise RawTypeError(
                    f"{name}.{column} was loaded as {there[column].data_type}, and the contract says"
                    f" {data_type} now: what was loaded cannot be changed without loss. Give the column its"
                    f" former type in _sources.yml, or another name beside `source_column`."
                )
            text = f"widen {column} from {there[column].data_type} to {data_type}"
            yield RawChange(
                table, text, f"alter table {name} alter column {column} set data type {data_type}", True
            )
    for column, known in there.items():
        if not known.is_nullable and column not in required:
            statement = f"alter table {name} alter column {column} drop not null"
            yield RawChange(table, f"let {column} be empty", statement)


def _is(found: str, declared: str) -> bool:
    return found == declared.replace(" ", "") or (found == _WHOLE and declared == "bigint")


def _widens(found: str, declared: str) -> bool:
    """Whether a change of type keeps every digit. Neither engine changes other types in place."""
    former, now = _decimal(found), _decimal(declared)
    return bool(former and now and now[0] > former[0] and now[1] == former[1])


def _decimal(data_type: str) -> Sequence[int] | None:
    match: Any = re.fullmatch(r"decimal\((\d+), ?(\d+)\)", data_type)
    return (int(match[1]), int(match[2])) if match else None
