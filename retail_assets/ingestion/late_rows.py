"""Rows that a database has and no reading has brought, however long ago they changed by their own time.

A reading brings what changed in its window. A row that is entered late with a time of months ago is in none,
and so is one whose time of change was set back. Of the last two weeks each day's rows are counted
(reconciliation.py). Here, at a week's end, the keys and times of change of whole tables are compared: each
night it would cost what the history costs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from retail_assets.catalog.contract import DELETED_AT, MODIFIED_AT, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.reconciliation import day_span
from retail_assets.ingestion.scope import EARLIEST
from retail_assets.ingestion.versions import own_time, stored_key, timestamp
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import text


@dataclass(frozen=True)
class Late:
    """Rows of a table that changed, by their own time, before the window, and that raw does not have so."""

    rows: int
    first: datetime
    """The earliest of their times, in UTC."""
    last: datetime
    example: str
    """The key of one of them."""


def late_rows(
    extraction: Extraction,
    tables: Sequence[SourceTable],
    known: Collection[str],
    session: Session,
) -> Mapping[str, Late]:
    """The late rows of those tables that are `known`: that raw had rows of before.

    Raises `SourceUnreachableError`. A table that cannot be compared is none that lacks rows.
    """
    parents = {
        table.name: table for table in tables if table.load == "window" and table.name in extraction.located
    }
    found: dict[str, Late] = {}
    for table in tables:
        if table.name not in known or table.load != "window" or not own_time(table):
            continue
        if not extraction.source.has_read_all(table, extraction.window):
            continue
        try:
            late = _compared(extraction, table, parents.get(table.parent or ""), session)
            if late and late.rows > extraction.forgotten.records_of(table):
                found[table.name] = late
        except SourceUnreachableError:
            raise
        except SourceError:
            continue
    return found


def _compared(
    extraction: Extraction, table: SourceTable, parent: SourceTable | None, session: Session
) -> Late | None:
    batches = extraction.source.times(table, parent.primary_key if parent else ())
    if batches is None:
        return None
    key = ", ".join(table.primary_key)
    with duckdb.connect() as local:
        _hold_raw(table, parent, local, session)
        types = _types(table)
        declared = ", ".join(f"{name} {types[name]}" for name in table.primary_key)
        local.execute(f"create table late ({declared}, changed timestamp)")
        for batch in batches:
            local.register("read", batch)
            local.execute(f"""
                insert into late
                select {key}, changed from (select *, {own_time(table)} as changed from read) as source
                where {_is_late(extraction, table, parent)}
            """)
            local.unregister("read")
        ((rows, first, last, example),) = local.execute(f"""
            select count(*), min(changed), max(changed), min({stored_key(table)})
            from late where {stored_key(table)} not in (select row_key from refused)
        """).fetchall()
    return Late(rows, first, last, example) if rows else None


def _is_late(extraction: Extraction, table: SourceTable, parent: SourceTable | None) -> str:
    """The condition on the source's rows. What raw has marked was deleted there, or overtaken by what the
    source said later. A line of an order that raw has not comes with its order."""
    same = " and ".join(f"known.{name} = source.{name}" for name in table.primary_key)
    parts = [
        *(f"{name} is not null" for name in table.primary_key),
        f"changed >= {timestamp(EARLIEST)} and changed < {timestamp(extraction.window.start)}",
        f"not exists (select 1 from known where {same} and known.changed = source.changed)",
        f"coalesce((select bool_or(is_living) from known where {same}), true)",
    ]
    if parent is not None:
        (of_parent,) = parent.primary_key
        parts.append(f"({of_parent} is null or {of_parent} in (select parent_key from parents))")
    # These days are told with their counts.
    for each in extraction.missing.get(table.name, ()):
        start, end = map(timestamp, day_span(each.day, extraction.zone))
        parts.append(f"not (changed >= {start} and changed < {end})")
    return " and ".join(parts)


def _hold_raw(
    table: SourceTable, parent: SourceTable | None, local: duckdb.DuckDBPyConnection, session: Session
) -> None:
    """Makes `known`, the times of all versions of raw's rows, `refused`, and the `parents` that raw has."""
    raw, key, types = f"{table.schema}.{table.name}", ", ".join(table.primary_key), _types(table)
    typed = ", ".join(f"cast({name} as {types[name]}) as {name}" for name in table.primary_key)
    versions = session.read(f"""
        select
            {key},
            {MODIFIED_AT} as changed,
            max(case when {DELETED_AT} is null then 1 else 0 end) as living
        from {raw} group by {key}, {MODIFIED_AT}
    """)
    _copy(
        local, "known", versions, f"{typed}, cast(changed as timestamp) as changed, living = 1 as is_living"
    )
    refused = session.read(f"""
        select row_key from {table.schema}.{refusals.TABLE}
        where table_name = {text(table.name)} and {DELETED_AT} is null and row_key is not null
    """)
    _copy(local, "refused", refused, "cast(row_key as varchar) as row_key")
    if parent is not None:
        (of_parent,) = parent.primary_key
        keys = session.read(f"select distinct {of_parent} as parent_key from {parent.schema}.{parent.name}")
        _copy(local, "parents", keys, f"cast(parent_key as {types[of_parent]}) as parent_key")


def _types(table: SourceTable) -> Mapping[str, str]:
    return {column.name: column.data_type for column in table.columns}


def _copy(local: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, columns: str) -> None:
    local.register("read", rows)
    local.execute(f"create table {name} as select {columns} from read")
    local.unregister("read")
