"""Rows that a database no longer has, of tables of events and of persons that are read by window.

A window brings the rows that changed in it, and a row that was deleted changes no more. So the reading of a
week's last day also reads the keys of these tables, all of them, and compares them with raw's:

- a row whose key is gone is marked as deleted, as in a snapshot,
- what a source removes from its old end, to save space, is kept, and so are the lines of such orders; but
  nobody's record, since a person who is gone is to be forgotten,
- if more of the others are gone than `RETAIL_MOST_GONE` allows, or nothing is left, none is marked, and the
  table's check says so: that looks like a source that shows only a part of itself,
- a row that was marked and is there again counts again.

The old end is where at most a tenth of the known rows is left: an open order of long ago, or one that is
entered late, does not turn the others into deletions.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceTable,
)
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
FEW = 20
LEFT_AT_THE_OLD_END = 0.1
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Gone:
    """What the comparison of a table's keys has found, in rows."""

    living: int = 0
    """Rows of raw that were not marked before, without those that the source has purged."""
    deleted: int = 0
    """Of these, rows that the source has deleted."""
    is_too_much: bool = False
    """Whether these are so many that none was marked."""
    is_empty: bool = False
    """Whether the source has none of raw's rows any more: then none was marked, whatever is allowed."""
    purged: int = 0
    """Rows that the source has removed from its old end. They are kept."""
    oldest: datetime | None = None
    """Where the old end ends; None if nothing was removed from it, or the table has no times."""
    back: int = 0
    """Rows that were marked and are there again."""
    unread: str | None = None
    """Why the keys could not be read; then nothing else is known."""

    @property
    def marked(self) -> int:
        """Rows that were marked as deleted."""
        return 0 if self.is_too_much or self.is_empty else self.deleted

    @property
    def is_settled(self) -> bool:
        """Whether it is known which rows are gone."""
        return not (self.is_too_much or self.is_empty or self.unread)


def is_due(window: Window, zone: str) -> bool:
    """Whether a window has a week's last day."""
    return any(day.weekday() == SUNDAY for day in days_of_window(window, zone))


def allowed(living: int, most: float) -> float:
    """How many rows may be gone. A few may be of any table, unless none may."""
    return max(FEW if most else 0, living * most + _ROUNDING)


def compared(tables: Sequence[SourceTable]) -> Iterator[SourceTable]:
    """Those of a system's tables whose keys are compared, parents before their children.

    What only describes others, such as a product or a piece of stock that was sold, is still needed for what
    happened when it is gone.
    """
    parents = {table.parent for table in tables}
    described_by = {
        column.references for table in tables for column in table.columns if column.references != table.name
    } - parents
    for table in tables:
        is_event = table.time is not None and table.name not in described_by
        if table.load == "window" and (table.parent or table.person is not None or is_event):
            yield table


def mark_gone(
    extraction: Extraction,
    tables: Sequence[SourceTable],
    known: Collection[str],
    most: float,
    session: Session,
) -> Mapping[str, Gone]:
    """Compare the keys of those of a system's tables that are `known`, and mark raw's rows.

    `most` is the share of a table's rows that may be gone. Raises `SourceUnreachableError`.
    """
    found: dict[str, Gone] = {}
    by_window = {
        each.name: each for each in tables if each.load == "window" and each.name in extraction.located
    }
    with duckdb.connect() as local:
        for table in compared(tables):
            if table.name not in known:
                continue
            parent = by_window.get(table.parent or "")
            # Whether a line is gone, or its order was purged, is not known without the order.
            if parent and not (parent.name in found and found[parent.name].is_settled):
                continue
            try:
                keys = extraction.source.keys(table)
                if keys is not None:
                    _hold(table, keys, local)
                    found[table.name] = _compare(extraction, table, parent, most, local, session)
                    _mark(extraction, table, found[table.name], local, session)
            except SourceUnreachableError:
                raise
            except SourceError as error:
                found[table.name] = Gone(unread=str(error))
    return found


def emptied(
    extraction: Extraction, tables: Sequence[SourceTable], known: Collection[str], session: Session
) -> Mapping[str, Gone]:
    """Those of the `known` tables read by window that have not a single row any more, on whatever day."""
    found: dict[str, Gone] = {}
    for table in tables:
        is_read = table.name in known and table.load == "window"
        if is_read and not extraction.rows_read(table) and _is_empty(extraction, table):
            ((living,),) = session(f"""
                select count(*) from (
                    select distinct {_key(table)} from {table.schema}.{table.name} where {DELETED_AT} is null
                ) as living
            """)
            if living > 1:
                found[table.name] = Gone(living=int(living), deleted=int(living), is_empty=True)
    return found


def _is_empty(extraction: Extraction, table: SourceTable) -> bool:
    try:
        return extraction.source.is_empty(table)
    except SourceUnreachableError:
        raise
    except SourceError:
        return False


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
    extraction: Extraction,
    table: SourceTable,
    parent: SourceTable | None,
    most: float,
    local: duckdb.DuckDBPyConnection,
    session: Session,
) -> Gone:
    """What has become of raw's rows. Makes the tables of keys `deleted` and `back`, and `orders_<table>`."""
    key = _key(table)
    _read_known(table, parent, local, session)
    _find_back(extraction, table, local, session)
    oldest = _old_end(local)
    local.execute(
        f"""
        create or replace table lost as
        select {key}, {_is_old(table, parent)} as is_purged
        from known where not is_present
    """,
        {} if table.person is not None else {"oldest": oldest},
    )
    local.execute(f"create or replace table deleted as select {key} from lost where not is_purged")
    if len(table.primary_key) == 1:
        local.execute(f"""
            create or replace table {_orders(table)} as
            select cast({key} as varchar) as order_key, coalesce(is_purged, false) as is_purged
            from known left join lost using ({key})
        """)
    ((rows, left, deleted, purged, back),) = local.execute("""
        select (select count(*) from known), (select count(*) from known where is_present),
            (select count(*) from deleted), (select count(*) from lost where is_purged),
            (select count(*) from back)
    """).fetchall()
    living = rows - purged
    return Gone(
        living=living,
        deleted=deleted,
        is_too_much=deleted > allowed(living, most),
        is_empty=left == 0 and rows > 1,
        purged=purged,
        oldest=oldest if purged else None,
        back=back,
    )


def _read_known(
    table: SourceTable, parent: SourceTable | None, local: duckdb.DuckDBPyConnection, session: Session
) -> None:
    """Makes `known`, raw's rows that count, and `marked`, the keys of those of which all versions are marked.

    Of a row's versions the newest counts that is not marked.
    """
    key, types = _key(table), _types(table)
    belongs_to = f"cast({parent.primary_key[0]} as varchar)" if parent else "cast(null as varchar)"
    rows = session.read(f"""
        select {key}, cast({table.time or MODIFIED_AT} as timestamp) as happened, {belongs_to} as order_key,
            case when {DELETED_AT} is null then 1 else 0 end as is_there
        from {table.schema}.{table.name}
        qualify {is_newest(table, f"case when {DELETED_AT} is null then 0 else 1 end")}
    """)
    columns = {name: types[name] for name in table.primary_key}
    _copy(
        "read",
        rows,
        columns | {"happened": "timestamp", "order_key": "varchar", "is_there": "boolean"},
        local,
    )
    local.execute(f"""
        create or replace table known as
        select {key}, happened, order_key, present is not null as is_present
        from read left join (select distinct {key}, true as present from present) as present using ({key})
        where is_there
    """)
    local.execute(f"""
        create or replace table marked as
        select {key} from read semi join present using ({key}) where not is_there
    """)


def _find_back(
    extraction: Extraction, table: SourceTable, local: duckdb.DuckDBPyConnection, session: Session
) -> None:
    """Makes `back`, the keys of rows that were marked and are there again.

    Of a row that is refused raw has an older version at most, which does not count. Who is to be forgotten is
    marked, and may still be in the source.
    """
    refused = session.read(f"""
        select row_key from {table.schema}.{refusals.TABLE}
        where table_name = {text(table.name)} and {DELETED_AT} is null and row_key is not null
    """)
    _copy("refused", refused, {"row_key": "varchar"}, local)
    may_be = "false" if extraction.forgotten.records_of(table) else "true"
    local.execute(f"""
        create or replace table back as
        select {_key(table)} from marked
        where {may_be} and {stored_key(table)} not in (select row_key from refused)
    """)


def _old_end(local: duckdb.DuckDBPyConnection) -> datetime | None:
    """The latest time before which at most a tenth of the known rows is left; None if there is none."""
    found: list[tuple[datetime | None]] = local.execute(f"""
        with
            times as (
                select happened, count(*) as known, count(*) filter (is_present) as present
                from known where happened > {timestamp(EARLIEST)} group by happened
            ),
            before as (
                select
                    happened,
                    sum(known) over earlier as known,
                    sum(present) over earlier as present
                from times
                window earlier as (order by happened rows between unbounded preceding and 1 preceding)
            )
        select max(happened) from before where present <= known * {LEFT_AT_THE_OLD_END}
    """).fetchall()
    return found[0][0]


def _is_old(table: SourceTable, parent: SourceTable | None) -> str:
    """Whether a row that is gone was removed from the old end.

    A line goes with its order, whatever its own times are. If raw never had the order, or nothing is left of
    an order's lines, its own time tells. What has no time is kept.
    """
    if table.person is not None:
        return "false"
    by_time = f"coalesce(happened < $oldest or happened <= {timestamp(EARLIEST)}, happened is null)"
    if parent is None:
        return by_time
    return f"""
        case
            when order_key in (select order_key from {_orders(parent)} where is_purged) then true
            when order_key in (select order_key from {_orders(parent)})
                and order_key in (select order_key from known where is_present and order_key is not null)
                then false
            else happened < $oldest or (happened is null and order_key is null)
        end is true
    """


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
            # The version that was marked last: earlier marks are of versions that did not count before.
            session(f"""
                update {raw} set {DELETED_AT} = null, {CHANGED_AT} = {start}
                where ({key}, {ROW_HASH}) in (
                    select {key}, {ROW_HASH} from {raw} where ({key}) in (select {key} from {keys})
                    qualify {is_newest(table, f"{DELETED_AT} desc")}
                )
            """)


def _copy(name: str, rows: "pa.Table", types: Mapping[str, str], local: duckdb.DuckDBPyConnection) -> None:
    """A table of what was read from the warehouse, of these types whichever the engine gave."""
    columns = ", ".join(f"cast({column} as {data_type}) as {column}" for column, data_type in types.items())
    local.register("read", rows)
    local.execute(f"create or replace table {name} as select {columns} from read")
    local.unregister("read")


def _orders(table: SourceTable) -> str:
    """The local table of the keys of a table that others belong to."""
    return f"orders_{table.name}"


def _key(table: SourceTable) -> str:
    return ", ".join(table.primary_key)


def _types(table: SourceTable) -> Mapping[str, str]:
    return {column.name: column.data_type for column in table.columns}
