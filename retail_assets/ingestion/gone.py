"""Rows that a database no longer has, of tables of events and of persons that are read by window.

A window brings the rows that changed in it, and a row that was deleted changes no more. So the reading of a
week's last day also reads the keys of these tables, all of them, and compares them with raw's:

- a row whose key is gone is marked as deleted, as in a snapshot,
- what a source removes from its old end, to save space, is kept: rows from before the oldest that is left,
  and the lines of such orders; but nobody's record, since a person who is gone is to be forgotten,
- if more are gone than `RETAIL_MOST_GONE` allows, none is marked, and the table's check says so: that looks
  like a source that shows only a part of itself,
- a row that was marked and is there again counts again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from retail_assets.catalog.contract import CHANGED_AT, DELETED_AT, MODIFIED_AT, ROW_HASH, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.reconciliation import days_of_window
from retail_assets.ingestion.scope import EARLIEST
from retail_assets.ingestion.versions import is_newest, stored_key, timestamp
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import text
from retail_assets.windows import Window

if TYPE_CHECKING:
    import pyarrow as pa

SUNDAY = 6
# So few rows are never too many.
FEW = 20


@dataclass(frozen=True)
class Gone:
    """What the comparison of a table's keys has found, in rows."""

    known: int
    """Rows of raw that were not marked before."""
    deleted: int
    """Of these, rows that the source has deleted."""
    is_too_much: bool
    """Whether these are so many that none was marked."""
    purged: int
    """Rows that the source has removed from its old end. They are kept."""
    oldest: datetime | None
    """When the oldest row happened that is left; None without times."""
    back: int
    """Rows that were marked and are there again."""

    @property
    def marked(self) -> int:
        """Rows that were marked as deleted."""
        return 0 if self.is_too_much else self.deleted


def is_due(window: Window, zone: str) -> bool:
    """Whether a window has a week's last day."""
    return any(day.weekday() == SUNDAY for day in days_of_window(window, zone))


def mark_gone(
    extraction: Extraction, tables: Sequence[SourceTable], most: float, session: Session
) -> Mapping[str, Gone]:
    """Compare the keys of these tables, parents before their children, and mark raw's rows.

    `most` is the share of a table's rows that may be gone. A table whose keys cannot be read is in the
    extraction's errors. Raises `SourceUnreachableError`.
    """
    found: dict[str, Gone] = {}
    by_name = {table.name: table for table in tables}
    with duckdb.connect() as local:
        for table in tables:
            parent = by_name.get(table.parent or "")
            if parent and (parent.name not in found or found[parent.name].is_too_much):
                continue
            try:
                keys = extraction.source.keys(table)
                if keys is not None:
                    _hold(table, keys, local)
                    found[table.name] = _compare(table, parent, most, local, session)
                    _mark(extraction, table, found[table.name], local, session)
            except SourceUnreachableError:
                raise
            except SourceError as error:
                extraction.errors[table.name] = str(error)
    return found


def _hold(table: SourceTable, batches: "Iterable[pa.Table]", local: duckdb.DuckDBPyConnection) -> None:
    """Makes `present`, the keys that the source has, of the types that raw has."""
    types = _types(table)
    declared = ", ".join(f"{name} {types[name]}" for name in table.primary_key)
    local.execute(f"create or replace table present ({declared})")
    for batch in batches:
        local.register("batch", batch)
        local.execute(f"insert into present select {_key(table)} from batch")
        local.unregister("batch")


def _compare(
    table: SourceTable,
    parent: SourceTable | None,
    most: float,
    local: duckdb.DuckDBPyConnection,
    session: Session,
) -> Gone:
    """What has become of raw's rows. Makes the tables of keys `deleted`, `back` and `purged_<table>`."""
    key, types = _key(table), _types(table)
    time = table.time or MODIFIED_AT
    belongs_to = parent.primary_key[0] if parent else "null"
    _copy(
        "known",
        session.read(f"""
            select {key}, max(cast({time} as timestamp)) as happened,
                max(cast({belongs_to} as varchar)) as parent_key,
                max(case when {DELETED_AT} is null then 1 else 0 end) as is_there
            from {table.schema}.{table.name} group by {key}
        """),
        {name: types[name] for name in table.primary_key}
        | {"happened": "timestamp", "parent_key": "varchar", "is_there": "boolean"},
        local,
    )
    _copy(
        "refused",
        session.read(f"""
            select row_key from {table.schema}.{refusals.TABLE}
            where table_name = {text(table.name)} and {DELETED_AT} is null and row_key is not null
        """),
        {"row_key": "varchar"},
        local,
    )
    # Of a refused row, raw has an older version at most, which does not count.
    local.execute(f"""
        create or replace table back as
        select {key} from known semi join present using ({key})
        where not is_there and {stored_key(table)} not in (select row_key from refused)
    """)
    ((oldest,),) = local.execute(f"""
        select min(happened) from known semi join present using ({key})
        where is_there and happened >= {timestamp(EARLIEST)}
    """).fetchall()
    # A line goes with its order, whatever its own times are.
    of_purged = f"parent_key in (from {_purged(parent)})" if parent else "false"
    is_old = "false" if table.person else f"{of_purged} or (parent_key is null and happened < $oldest)"
    local.execute(
        f"""
            create or replace table lost as
            select {key}, {is_old} as is_purged
            from known anti join present using ({key}) where is_there
        """,
        {"oldest": oldest} if "$oldest" in is_old else {},
    )
    local.execute(f"create or replace table deleted as select {key} from lost where is_purged is not true")
    if len(table.primary_key) == 1:
        local.execute(f"""
            create or replace table {_purged(table)} as
            select cast({key} as varchar) as parent_key from lost where is_purged
        """)
    ((known, deleted, purged, back),) = local.execute("""
        select (select count(*) from known where is_there), (select count(*) from deleted),
            (select count(*) from lost where is_purged), (select count(*) from back)
    """).fetchall()
    is_empty = deleted == known > 1
    is_too_much = most < 1 and (is_empty or deleted > max(FEW, known * most))
    return Gone(known, deleted, is_too_much, purged, oldest, back)


def _mark(
    extraction: Extraction, table: SourceTable, gone: Gone, local: duckdb.DuckDBPyConnection, session: Session
) -> None:
    raw, key, start = f"{table.schema}.{table.name}", _key(table), timestamp(extraction.window.start)
    held = f"{table.schema}._keys_{table.name}"
    if gone.marked:
        with session.holding(held, local.table("deleted").to_arrow_table()) as keys:
            session(f"""
                update {raw} set {DELETED_AT} = {start}
                where {DELETED_AT} is null and ({key}) in (select {key} from {keys})
            """)
    if gone.back:
        with session.holding(held, local.table("back").to_arrow_table()) as keys:
            session(f"""
                update {raw} set {DELETED_AT} = null, {CHANGED_AT} = {start}
                where ({key}, {ROW_HASH}) in (
                    select {key}, {ROW_HASH} from {raw} where ({key}) in (select {key} from {keys})
                    qualify {is_newest(table)}
                )
            """)


def _copy(name: str, rows: "pa.Table", types: Mapping[str, str], local: duckdb.DuckDBPyConnection) -> None:
    """A table of what was read from the warehouse, of these types whichever the engine gave."""
    columns = ", ".join(f"cast({column} as {data_type}) as {column}" for column, data_type in types.items())
    local.register("read", rows)
    local.execute(f"create or replace table {name} as select {columns} from read")
    local.unregister("read")


def _purged(table: SourceTable) -> str:
    return f"purged_{table.name}"


def _key(table: SourceTable) -> str:
    return ", ".join(table.primary_key)


def _types(table: SourceTable) -> Mapping[str, str]:
    return {column.name: column.data_type for column in table.columns}
