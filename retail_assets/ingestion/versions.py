"""From a source's rows to raw's: cast to the contract's types, with the columns that raw adds.

DuckDB does it, on whatever it can read.
"""

from collections.abc import Callable
from datetime import datetime

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    KEY_TYPES,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceColumn,
    SourceTable,
)
from retail_assets.windows import Window


def plain_cast(column: SourceColumn) -> str:
    """A column as the contract's type."""
    if column.is_key and column.data_type == KEY_TYPES["text"]:
        # Some programs write whole numbers as 17.0 beside nulls; an empty text refers to nothing.
        trimmed = f'trim(cast("{column.name}" as varchar))'
        return f"nullif(regexp_replace({trimmed}, '^(-?[0-9]+)[.]0$', '\\1'), '')"
    return f'cast("{column.name}" as {column.data_type})'


def zoned_cast(column: SourceColumn) -> str:
    """The same; a time without a zone is in the session's, and becomes UTC."""
    if column.data_type == "timestamp":
        return f"""timezone('UTC', cast("{column.name}" as timestamptz))"""
    return plain_cast(column)


def own_time(table: SourceTable) -> str | None:
    """The latest of a row's own times of change; nulls do not count."""
    times = [name for name in table.modified if name not in table.absent]
    return f"greatest({', '.join(times)})" if times else None


def versions_sql(
    relation: str,
    table: SourceTable,
    window: Window,
    loaded_at: str,
    *,
    cast: Callable[[SourceColumn], str] = plain_cast,
    modified_at: str | None = None,
    identity: str = "''",
    passed_on: str = "",
) -> str:
    """The query that makes raw's rows of a relation with the contract's columns.

    `loaded_at`, `modified_at` and `identity` are expressions over the cast columns and those of `passed_on`:
    when the row was read, its time of change, where its own columns do not tell it alone, and what sets apart
    versions whose columns are the same.
    """
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    casts = ", ".join(f'{cast(column)} as "{column.name}"' for column in table.columns)
    # What a source does not have makes no version, so that the contract may grow.
    packed = ", ".join(
        f'"{column.name}" := "{column.name}"' for column in table.columns if column.name not in table.absent
    )
    start, end = (timestamp(moment) for moment in window)
    return f"""
        with typed as (select {casts}{passed_on} from {relation})
        select
            {names},
            cast({modified_at or own_time(table) or "null"} as timestamp) as {MODIFIED_AT},
            -- Rows of a snapshot may have been modified outside the window that brings them.
            case
                when {MODIFIED_AT} >= {start} and {MODIFIED_AT} < {end} then {MODIFIED_AT}
                else {_first_seen(table, start, loaded_at)}
            end as {CHANGED_AT},
            {loaded_at} as {LOADED_AT},
            -- The upper 63 bits of an MD5: a hash that no version of an engine changes.
            cast(md5_number_lower(cast(struct_pack({packed}) as varchar) || {identity}) >> 1 as bigint)
                as {ROW_HASH},
            cast(null as timestamp) as {DELETED_AT}{passed_on}
        from typed
    """


def _first_seen(table: SourceTable, start: str, loaded_at: str) -> str:
    """When a row counts as changed that says of no change in the window.

    In a table without a time of change, what happens after the window is read by it too: it counts when it
    happens, so that days run one by one or at once make the same of it.
    """
    if table.load == "snapshot" and not table.modified and table.time:
        return f"case when {table.time} < {loaded_at} then greatest({start}, {table.time}) else {start} end"
    return start


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def timestamp(moment: datetime) -> str:
    """A moment as SQL. Raw keeps UTC without saying so."""
    return f"timestamp '{moment.replace(tzinfo=None)}'"
