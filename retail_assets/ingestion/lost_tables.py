"""Tables that were loaded and are not in the source any more.

A database hides what one may not read. A right that was taken away, a view that was dropped: taken as empty,
what changes meanwhile would be missed for good, and nobody would know.
"""

from collections.abc import Container, Mapping, Sequence

from retail_assets.catalog.contract import DELETED_AT, SourceTable
from retail_assets.ingestion.raw_tables import column_types
from retail_assets.ingestion.source import Source
from retail_assets.resources.warehouse import Execute


def lost(
    source: Source, tables: Sequence[SourceTable], located: Container[str], execute: Execute
) -> Mapping[str, str]:
    """Of each table that raw has rows of and the source has not, and of what is read with it: what to do.

    Files come and go: of a folder no table is lost.
    """
    absent = [table for table in tables if table.name not in located and source.mapping.covers(table)]
    if not absent or not source.is_current:
        return {}
    known = column_types(absent[0].schema, execute)
    found: dict[str, str] = {}
    for table in absent:
        if table.name in known and _has_rows(table, execute):
            found[table.name] = _said(source, table)
    children = {table.name: table.parent for table in tables if table.parent in found}
    for name, parent in children.items():
        # Which of its rows are new would not be known.
        with_it = f"{source.system}: {name} was not loaded, for it is read with {parent}."
        found.setdefault(name, f"{with_it} {found[parent or '']}")
    return found


def _has_rows(table: SourceTable, execute: Execute) -> bool:
    name = f"{table.schema}.{table.name}"
    return bool(execute(f"select 1 from {name} where {DELETED_AT} is null limit 1"))


def _said(source: Source, table: SourceTable) -> str:
    place = source.mapping.of(table).from_ or table.source_table
    setting = f"RETAIL_{source.system.upper()}"
    return (
        f"{source.system}: {place} ({table.name}) is not there any more, or the user of {setting}_URL may not"
        " read it, and raw has rows of it. Restore it, or the right to select from it; if it is gone for"
        f" good, write `{table.name}: null` under tables in the mapping ({setting}_MAPPING). Nothing of it"
        " was loaded and what was there stays; the next run tries it again."
    )
