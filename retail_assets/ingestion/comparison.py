"""Comparing a reading with raw: tables without changes, and rows that were deleted or have come back."""

from collections.abc import Collection, Iterable

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceTable,
)
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.versions import is_later, is_newest, timestamp
from retail_assets.resources.warehouse import Execute

# If a snapshot lacks more than this share of the known rows, the source is assumed to be broken.
LARGEST_SHRINKAGE = 0.5
SMALLEST_GUARDED_TABLE = 20
# Up to so many rows of a window are looked up in raw by their hashes, to skip loading if all are there.
FEW_ROWS = 10_000


def unchanged(extraction: Extraction, tables: Iterable[SourceTable], execute: Execute) -> set[str]:
    """The tables of which raw has everything already, so that nothing needs to be loaded.

    For a snapshot: raw has as many current rows, with the same sum of hashes. For a window of a database: raw
    has every row that was read, as often in the overlap, which an earlier run has read.
    """
    read: dict[str, tuple[str, int, int]] = {}
    for table in tables:
        rows = extraction.whole(table)
        if rows is None:
            continue
        hashes = rows.column(ROW_HASH).to_pylist()
        if table.load == "snapshot":
            read[table.name] = (_current_rows(table), len(hashes), sum(hashes))
        elif extraction.source.is_current and 0 < len(hashes) <= FEW_ROWS:
            read[table.name] = (_known_rows(table, hashes), len(set(hashes)), sum(hashes))
    if not read:
        return set()
    known = execute(" union all ".join(query for query, *_ in read.values()))
    return {name for name, count, hashes in known if read[name][1:] == (count, int(hashes or 0))}


def _known_rows(table: SourceTable, hashes: Iterable[int]) -> str:
    raw, key = f"{table.schema}.{table.name}", ", ".join(table.primary_key)
    is_read = f"{ROW_HASH} in ({', '.join(map(str, hashes))})"
    rows = f"{DELETED_AT} is null and ({key}) in (select {key} from {raw} where {is_read})"
    return f"""
        select '{table.name}' as name, count(*) as n, sum({ROW_HASH}) as hashes
        from {_newest(table, raw, rows)} as newest
        where {is_read}
    """


def _current_rows(table: SourceTable) -> str:
    raw = f"{table.schema}.{table.name}"
    return f"""
        select '{table.name}' as name, count(*) as n, sum({ROW_HASH}) as hashes
        from {_newest(table, raw, f"{DELETED_AT} is null")} as newest
    """


def _newest(table: SourceTable, relation: str, condition: str) -> str:
    return f"(select * from {relation} where {condition} qualify {is_newest(table)})"


def mark_overtaken(extraction: Extraction, table: SourceTable, execute: Execute) -> None:
    """Mark outdated versions in raw that would still count as newer than the source's current row.

    A time of change may be wrong (the year 9999, a clock that was ahead), or be set back. A database gives
    rows as they are now, whatever their time of change, so any version that differs is an older one.
    """
    if not extraction.source.is_current or not table.modified:
        return
    raw, batch = f"{table.schema}.{table.name}", _batch(extraction, table)
    before = f"{LOADED_AT} < {timestamp(extraction.loaded_at)}"
    if not execute(f"select 1 from {raw} where {before} limit 1"):
        return
    same_key = " and ".join(f"past.{column} = now.{column}" for column in table.primary_key)
    execute(f"""
        update {raw} set {DELETED_AT} = {timestamp(extraction.window.start)}
        where {DELETED_AT} is null and {before} and {ROW_HASH} in (
            select past.{ROW_HASH}
            from {raw} as past
            inner join {raw} as now on {same_key}
            where past.{DELETED_AT} is null and now.{DELETED_AT} is null and past.{before}
                and now.{ROW_HASH} in (select {ROW_HASH} from {batch} as batch)
                and past.{ROW_HASH} not in (select {ROW_HASH} from {batch} as batch)
                and (now.{MODIFIED_AT} is null or not {is_later("now", "past")})
        )
    """)


def mark_deletions(
    extraction: Extraction,
    table: SourceTable,
    parent: SourceTable | None,
    execute: Execute,
    except_: Collection[int] = (),
) -> int:
    """Mark the rows of raw that the source no longer has, and unmark those that are there again.

    The comparison runs inside the warehouse: dlt leaves what it loaded in its staging dataset. The scope is
    the whole table for a snapshot, else the rows of the parents that were read. Rows whose hash is in
    `except_` are not unmarked.
    Returns the number of rows (not versions) that were found deleted. Raises `SourceError`, and marks
    nothing, if a snapshot has lost too many.
    """
    raw, batch = f"{table.schema}.{table.name}", _batch(extraction, table)
    same_key = " and ".join(f"batch.{column} = raw.{column}" for column in table.primary_key)
    same_row = f"{same_key} and batch.{ROW_HASH} = raw.{ROW_HASH}"
    start = timestamp(extraction.window.start)
    if not table.deletes_are_seen:
        _take_back(extraction, table, batch, same_row, except_, execute)
        return 0
    gone = f"""
        raw.{DELETED_AT} is null and {_scope(extraction, parent)}
        and not exists (select 1 from {batch} as batch where {same_key})
    """
    mark = f"update {raw} as raw set {DELETED_AT} = {start} where {gone}"
    key = ", ".join(f"raw.{column}" for column in table.primary_key)
    ((deleted,),) = execute(f"select count(*) from (select distinct {key} from {raw} as raw where {gone})")
    if deleted:
        _refuse_shrinkage(table, deleted, mark, execute)
        execute(mark)
    _take_back(extraction, table, batch, same_row, except_, execute)
    if table.load == "snapshot" and not table.modified:
        _renew(extraction, table, batch, same_key, same_row, execute)
    return int(deleted)


def _take_back(
    extraction: Extraction,
    table: SourceTable,
    batch: str,
    same_row: str,
    except_: Collection[int],
    execute: Execute,
) -> None:
    others = f" and raw.{ROW_HASH} not in ({', '.join(map(str, except_))})" if except_ else ""
    execute(f"""
        update {table.schema}.{table.name} as raw
        set {DELETED_AT} = null, {CHANGED_AT} = {timestamp(extraction.window.start)}
        where raw.{DELETED_AT} is not null{others}
            and exists (select 1 from {batch} as batch where {same_row})
    """)


def take_out(extraction: Extraction, table: SourceTable, execute: Execute) -> None:
    """Delete what was loaded of a table that could not be read to its end. Loading only adds rows."""
    execute(f"delete from {table.schema}.{table.name} where {LOADED_AT} >= {timestamp(extraction.loaded_at)}")


def _renew(
    extraction: Extraction, table: SourceTable, batch: str, same_key: str, same_row: str, execute: Execute
) -> None:
    """Make an old version the newest again, where a row has gone back to its earlier values.

    Insert-only loading adds no version that raw has, and a snapshot without times of change has none to order
    versions by. So the old version counts as seen now.
    """
    raw = f"{table.schema}.{table.name}"
    key = [*table.primary_key, ROW_HASH]
    later_key = " and ".join(f"later.{column} = earlier.{column}" for column in table.primary_key)
    execute(f"""
        update {raw} as raw set
            {MODIFIED_AT} = (select max({MODIFIED_AT}) from {batch} as batch),
            {CHANGED_AT} = {timestamp(extraction.window.start)},
            {LOADED_AT} = {timestamp(extraction.loaded_at)}
        where exists (select 1 from {batch} as batch where {same_row})
        and ({", ".join(key)}) in (
            select {", ".join(f"earlier.{column}" for column in key)}
            from {raw} as earlier
            inner join {raw} as later on {later_key}
            where later.{LOADED_AT} > earlier.{LOADED_AT} and later.{DELETED_AT} is null
        )
    """)


def add_returned(extraction: Extraction, table: SourceTable, execute: Execute) -> None:
    """Add a further version of rows from files that have gone back to earlier values.

    Insert-only loading adds no version that raw has. The old version has to stay where it is, before the one
    in between, so the returned values are added as a version of their own.
    """
    if table.kind != "files" or table.load != "window":
        return
    raw, staged = f"{table.schema}.{table.name}", f"{table.schema}_staging.{table.name}"
    key = ", ".join(table.primary_key)
    now = timestamp(extraction.loaded_at)
    # On most days all rows loaded are new, which two counts show without a scan of older rows.
    ((is_all_new,),) = execute(
        f"select (select count(*) from {raw} where {LOADED_AT} >= {now}) = (select count(*) from {staged})"
    )
    if is_all_new:
        return
    before = f"select {ROW_HASH} from {raw} where {LOADED_AT} < {now}"
    again = f"({key}) in (select {key} from {staged} where {ROW_HASH} in ({before}))"
    batch, known = _newest(table, staged, again), _newest(table, raw, again)
    same_key = " and ".join(f"batch.{column} = known.{column}" for column in table.primary_key)
    differs = " or ".join(f"batch.{each.name} is distinct from known.{each.name}" for each in table.columns)
    names = [name for name in table.raw_schema.names if name != ROW_HASH]
    # A hash of its own for this copy: that of the values, less the time of loading in seconds.
    row_hash = f"batch.{ROW_HASH} - {int(extraction.loaded_at.timestamp())}"
    execute(f"""
        insert into {raw} ({", ".join(names)}, {ROW_HASH})
        select {", ".join(f"batch.{name}" for name in names)}, {row_hash}
        from {batch} as batch inner join {known} as known on {same_key}
        where ({differs}) and batch.{LOADED_AT} > known.{LOADED_AT}
            and coalesce(batch.{MODIFIED_AT} >= known.{MODIFIED_AT}, true)
    """)


def _batch(extraction: Extraction, table: SourceTable) -> str:
    return f"(select * from {table.schema}_staging.{table.name} where {_read_now(extraction)})"


def _read_now(extraction: Extraction) -> str:
    # dlt truncates a staging table only when it loads the next rows, so older rows may still be in it.
    return f"{LOADED_AT} = {timestamp(extraction.loaded_at)}"


def _scope(extraction: Extraction, parent: SourceTable | None) -> str:
    if parent is None:
        return "true"
    if not extraction.rows.get(parent.name):
        # None of its rows were read, or it was not chosen, and there may be no staging table of it.
        return "false"
    (key,) = parent.primary_key
    read = f"select {key} from {parent.schema}_staging.{parent.name} where {_read_now(extraction)}"
    return f"raw.{key} in ({read})"


def _refuse_shrinkage(table: SourceTable, deleted: int, mark: str, execute: Execute) -> None:
    if table.load != "snapshot":
        return
    key = ", ".join(table.primary_key)
    ((known,),) = execute(
        f"select count(*) from (select distinct {key} from {table.schema}.{table.name}"
        f" where {DELETED_AT} is null)"
    )
    # Of a small table many rows may go, but hardly all.
    is_emptied = deleted == known > 1
    if is_emptied or (known >= SMALLEST_GUARDED_TABLE and deleted > known * LARGEST_SHRINKAGE):
        raise SourceError(
            f"{table.system}: {table.source_table} has lost {deleted:,} of its {known:,} rows at once."
            " That looks like a broken source, so nothing was marked as deleted. If it is right,"
            " mark them in the warehouse by the statement below, and run the same days again: a deletion"
            f" counts in the days that its mark lies in.\n{' '.join(mark.split())}"
        )
