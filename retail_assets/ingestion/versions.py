"""From a source's rows to raw's: cast to the contract's types, with the columns that raw adds.

DuckDB does it, on whatever it can read.
"""

from collections.abc import Callable
from datetime import datetime

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceColumn,
    SourceTable,
)
from retail_assets.windows import Window


def plain_cast(column: SourceColumn) -> str:
    """A column as the contract's type."""
    return f'cast("{column.name}" as {column.data_type})'


def own_time(table: SourceTable) -> str | None:
    """The latest of a row's own times of change; nulls do not count."""
    return f"greatest({', '.join(table.modified)})" if table.modified else None


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
    packed = ", ".join(f'"{column.name}" := "{column.name}"' for column in table.columns)
    start, end = (timestamp(moment) for moment in window)
    return f"""
        with typed as (select {casts}{passed_on} from {relation})
        select
            {names},
            cast({modified_at or own_time(table) or "null"} as timestamp) as {MODIFIED_AT},
            -- Rows of a snapshot may have been modified outside the window that brings them.
            case
                when {MODIFIED_AT} >= {start} and {MODIFIED_AT} < {end} then {MODIFIED_AT}
                else {start}
            end as {CHANGED_AT},
            {loaded_at} as {LOADED_AT},
            -- The upper 63 bits of an MD5: a hash that no version of an engine changes.
            cast(md5_number_lower(cast(struct_pack({packed}) as varchar) || {identity}) >> 1 as bigint)
                as {ROW_HASH},
            cast(null as timestamp) as {DELETED_AT}{passed_on}
        from typed
    """


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def timestamp(moment: datetime) -> str:
    """A moment as SQL. Raw keeps UTC without saying so."""
    return f"timestamp '{moment.replace(tzinfo=None)}'"
