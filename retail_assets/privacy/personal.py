"""What the contract says of persons: in which tables they are, and by which columns they are recognised.

A table whose rows each describe one person (`person`) loses the rows of somebody who is forgotten. In every
other table with personal data the row stays, since sums stay, and the personal columns are emptied.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.settings import SYSTEMS

EMAIL = "email"

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


def normalised(kind: str, value: Any) -> str:
    """A value as it is compared; addresses as macros/values.sql does."""
    return str(value).strip().lower() if kind == EMAIL else str(value)
