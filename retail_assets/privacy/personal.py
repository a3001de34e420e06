"""What the contract says of persons: in which tables they are, and by which columns they are recognised.

A table whose rows each describe one person (`person`) loses the rows of somebody who is forgotten. In every
other table with personal data the row stays, since sums stay, and the personal columns are emptied.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.settings import SYSTEMS

EMAIL = "email"
_BLANKS = " \t\n\r"

# What stands in a column that may not be empty, so that the row is as good as before.
NOBODY = "forgotten"


def personal_tables(manifest: Mapping[str, Any]) -> Sequence[SourceTable]:
    """The tables of all systems in which there is something to forget."""
    tables = (table for system in SYSTEMS for table in source_tables(manifest, system))
    return [table for table in tables if is_personal(table)]


def is_personal(table: SourceTable) -> bool:
    """Whether the table has rows or columns that go with a person."""
    return table.person is not None or any(column.pii for column in table.columns)


def recognised_by(table: SourceTable) -> Mapping[str, str]:
    """The columns that tell whose a row is, each with what it identifies: an address, or a row of a table."""
    columns = {}
    for column in table.columns:
        if column.is_email:
            columns[column.name] = EMAIL
        elif column.references:
            named = column.references
            columns[column.name] = named if "." in named else f"{table.system}.{named}"
    if table.person and len(table.primary_key) == 1:
        columns[table.primary_key[0]] = table.full_name
    return columns


def emptied(table: SourceTable) -> Mapping[str, str | None]:
    """The columns of a row that stays, with what stands in them afterwards."""
    return {
        column.name: NOBODY if column.is_required and column.data_type == "varchar" else None
        for column in table.columns
        if column.pii
    }


def normalised(kind: str, value: Any) -> str | None:
    """A value as it is compared: an address as macros/values.sql has it, and without tabs and line breaks.

    None is what identifies nobody: nothing, or an empty text.
    """
    if value is None:
        return None
    text = str(value)
    return (text.strip(_BLANKS).lower() if kind == EMAIL else text) or None


def compared(kind: str, column: str) -> str:
    """The same in SQL, of a column; an empty text is none of the values that are looked for."""
    if kind != EMAIL:
        return f"cast({column} as varchar)"
    blanks = " || ".join(f"chr({ord(each)})" for each in _BLANKS)
    return f"lower(trim({column}, {blanks}))"
