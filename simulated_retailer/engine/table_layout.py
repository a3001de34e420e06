"""How the layout of a source system is described: its tables as Arrow schemas.

The columns that may not be null are a table's primary key; a text's longest length is in its
field's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

INT, BIT, DAY, WHEN = pa.int32(), pa.bool_(), pa.date32(), pa.timestamp("us")
MONEY, DEGREES = pa.decimal128(19, 4), pa.float64()
LABEL = pa.dictionary(pa.int32(), pa.string())
"""A dictionary-encoded text, for columns with few different texts."""

UNTIL = "_until"
"""The column of a version table that says when the version ended; null while it is current."""
SINCE = "_since"
"""The column that says when a version began, where the system has no such column itself."""


@dataclass(frozen=True)
class Text:
    """A text type of bounded length, which Arrow itself does not have."""

    longest: int


@dataclass(frozen=True)
class System:
    """A source system: its tables with their columns, types and keys."""

    name: str
    modified: str
    """The column with a row's last change, in every table; `SINCE` is not written to the source."""
    tables: Mapping[str, pa.Schema]
    indexed: tuple[str, ...] = ()
    """Tables with an index on the last change."""

    def primary_key(self, table: str) -> list[str]:
        """The names of the key's columns, in their order. Raises KeyError for no such table."""
        return [field.name for field in self.tables[table] if not field.nullable]


def layout(modified: str, key: str, **columns: pa.DataType | Text) -> pa.Schema:
    """A table: the names of its primary key, separated by blanks, and its columns but `modified`."""
    keys = key.split()
    fields = []
    for name, kind in {**columns, modified: WHEN}.items():
        if isinstance(kind, Text):
            metadata = {"longest": str(kind.longest)}
            fields.append(pa.field(name, pa.string(), name not in keys, metadata))
        else:
            fields.append(pa.field(name, kind, name not in keys))
    return pa.schema(fields)
