"""Loading into raw through dlt: every version of every row that was seen, once.

The package knows nothing of the orchestrator: `source` gives a dlt source, `mark_deletions` closes the
rows that the sources no longer have.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource, DltSource

from retail_assets.ingestion.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    ROW_HASH,
    SourceTable,
)
from retail_assets.ingestion.errors import SourceError
from retail_assets.windows import Window

# A snapshot that lacks more than this share of the rows known so far is taken for a broken source.
LARGEST_SHRINKAGE = 0.5
SMALLEST_GUARDED_TABLE = 20

if TYPE_CHECKING:
    from retail_assets.ingestion.sql_source import LocatedTable, SqlSource

Execute = Callable[[str], Sequence[tuple[Any, ...]]]


@dataclass
class Extraction:
    """One reading of a system for one window, table by table."""

    source: "SqlSource"
    window: Window
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    located: "dict[str, LocatedTable | None]" = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def locate(self, tables: Iterable[SourceTable]) -> None:
        """Find all tables; those that have changed are left out, with the error."""
        for table in tables:
            try:
                self.located[table.name] = self.source.locate(table)
            except SourceError as error:
                self.errors[table.name] = str(error)

    def read(self, table: SourceTable) -> Iterator[pa.Table]:
        """The table's batches; an empty one of the right types where there is nothing to read."""
        yield table.raw_schema.empty_table()
        located = self.located.get(table.name)
        if located is None:
            return
        parent = self.located.get(table.parent) if table.parent else None
        for batch in self.source.read(located, parent, self.window, self.loaded_at):
            self.rows[table.name] = self.rows.get(table.name, 0) + batch.num_rows
            yield batch.cast(table.raw_schema)


def source(tables: Iterable[SourceTable], extraction: Extraction | None = None) -> DltSource:
    """A dlt source with one resource per table. Without an extraction it only describes them."""
    tables = list(tables)

    @dlt.source(name=tables[0].schema, max_table_nesting=0)
    def declared() -> list[DltResource]:
        return [_resource(table, extraction) for table in tables]

    return declared()


def _resource(table: SourceTable, extraction: Extraction | None) -> DltResource:
    def batches() -> Iterator[pa.Table]:
        if extraction is not None:
            yield from extraction.read(table)

    # insert-only: a version is there or it is added; what is there is never changed by a load.
    resource: DltResource = dlt.resource(
        batches,
        name=table.name,
        primary_key=[*table.primary_key, ROW_HASH],
        write_disposition={"disposition": "merge", "strategy": "insert-only"},
        columns=_dlt_columns(table),
        schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
    )
    return resource


def _dlt_columns(table: SourceTable) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for field_ in table.raw_schema:
        column: dict[str, Any] = {"data_type": "bigint", "nullable": field_.nullable}
        if pa.types.is_decimal(field_.type):
            column |= {
                "data_type": "decimal",
                "precision": field_.type.precision,
                "scale": field_.type.scale,
            }
        elif pa.types.is_timestamp(field_.type):
            column |= {"data_type": "timestamp", "timezone": False, "precision": 6}
        elif pa.types.is_string(field_.type):
            column["data_type"] = "text"
        elif pa.types.is_boolean(field_.type):
            column["data_type"] = "bool"
        elif pa.types.is_date(field_.type):
            column["data_type"] = "date"
        elif pa.types.is_floating(field_.type):
            column["data_type"] = "double"
        columns[field_.name] = column
    return columns


def mark_deletions(extraction: Extraction, table: SourceTable, execute: Execute) -> int:
    """Mark the rows of raw that the source no longer has, and take the mark off those that are back.

    What was read is compared with raw inside the warehouse: dlt leaves it in its staging dataset. The
    scope is the whole table for a snapshot, else the rows of the parents that were read.
    Returns the number of rows (not versions) that were found deleted.
    """
    if not table.deletes_are_seen or extraction.located.get(table.name) is None:
        return 0
    raw = f"{table.schema}.{table.name}"
    batch = f"(select * from {table.schema}_staging.{table.name} where {_read_now(extraction)})"
    same_key = " and ".join(f"batch.{column} = raw.{column}" for column in table.primary_key)
    start = f"timestamp '{extraction.window.start.replace(tzinfo=None)}'"
    gone = f"""
        raw.{DELETED_AT} is null and {_scope(extraction, table)}
        and not exists (select 1 from {batch} as batch where {same_key})
    """
    key = ", ".join(f"raw.{column}" for column in table.primary_key)
    ((deleted,),) = execute(f"select count(*) from (select distinct {key} from {raw} as raw where {gone})")
    if deleted:
        _refuse_shrinkage(table, deleted, execute)
        execute(f"update {raw} as raw set {DELETED_AT} = {start} where {gone}")
    execute(f"""
        update {raw} as raw set {DELETED_AT} = null, {CHANGED_AT} = {start}
        where raw.{DELETED_AT} is not null and exists (
            select 1 from {batch} as batch where {same_key} and batch.{ROW_HASH} = raw.{ROW_HASH}
        )
    """)
    return int(deleted)


def _read_now(extraction: Extraction) -> str:
    # dlt empties a staging table only when the next rows for it come; older ones are not of this reading.
    return f"{LOADED_AT} = timestamp '{extraction.loaded_at.replace(tzinfo=None)}'"


def _scope(extraction: Extraction, table: SourceTable) -> str:
    if table.load == "snapshot":
        return "true"
    parent = extraction.located.get(table.parent or "")
    if parent is None:
        return "false"
    (key,) = parent.contract.primary_key
    read = f"select {key} from {table.schema}_staging.{table.parent} where {_read_now(extraction)}"
    return f"raw.{key} in ({read})"


def _refuse_shrinkage(table: SourceTable, deleted: int, execute: Execute) -> None:
    if table.load != "snapshot":
        return
    key = ", ".join(table.primary_key)
    ((known,),) = execute(
        f"select count(*) from (select distinct {key} from {table.schema}.{table.name}"
        f" where {DELETED_AT} is null)"
    )
    if known >= SMALLEST_GUARDED_TABLE and deleted > known * LARGEST_SHRINKAGE:
        raise SourceError(
            f"{table.system}: {table.source_table} has lost {deleted:,} of its {known:,} rows at once."
            " That looks like a broken source, so nothing was marked as deleted. If it is right,"
            f" mark them by hand: update {table.schema}.{table.name} set {DELETED_AT} = ..."
        )
