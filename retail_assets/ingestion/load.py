"""Loading into raw through dlt: every version of every row that was seen, once.

It does not depend on Dagster: the caller of `ingest` passes the function that runs dlt's pipeline.
"""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource, DltSource

from retail_assets.catalog.contract import LOADED_AT, ROW_HASH, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.ingestion.comparison import (
    add_returned,
    mark_deletions,
    mark_overtaken,
    take_out,
    unchanged,
)
from retail_assets.ingestion.duplicates import (
    found_again,
    mark_duplicates,
    refused_duplicates,
    repeated_in_files,
)
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.fractions import first_fractions
from retail_assets.ingestion.gone import emptied, is_due, mark_gone
from retail_assets.ingestion.keys import settled_keys, with_keys
from retail_assets.ingestion.late_rows import late_rows
from retail_assets.ingestion.lost_tables import lost
from retail_assets.ingestion.raw_tables import count_rows, create_raw_tables, loaded_since, put_in_order
from retail_assets.ingestion.reconciliation import differences, recent_days, rows_by_day, unbelievable
from retail_assets.ingestion.versions import own_time, timestamp
from retail_assets.resources.warehouse import Execute, Warehouse

Run = Callable[[dlt.Pipeline, DltSource], Any]

# A first load of at least so many rows is rewritten in order of the key. Smaller tables are fast to scan.
LARGE = 2_000_000


@dataclass(frozen=True)
class Loaded:
    """A raw table after a reading."""

    rows: int
    """All versions of rows in the table."""
    new: int
    """The versions that this reading added."""
    deleted: int
    """Rows that the source no longer has, as this reading found out."""


def ingest(
    extraction: Extraction,
    tables: Sequence[SourceTable],
    chosen: Sequence[SourceTable],
    warehouse: Warehouse,
    folder: Path,
    run: Run,
    most_gone: float = 0.1,
) -> Mapping[str, Loaded]:
    """Load the `chosen` ones of a system's tables; `run` runs dlt's pipeline on a source.

    `most_gone` is the share of a table's rows that its source may have deleted (gone.py).

    dlt is started only if there is something to load; its own state is in `folder`. Tables that cannot be
    read, or have lost too many rows, are in the extraction's errors. Returns the row counts by table.
    """
    schema = tables[0].schema
    with warehouse.session() as execute, extraction.source.at_one_moment():
        keys, has_changed = settled_keys(
            extraction.source,
            [extraction.as_found(table) for table in tables],
            extraction.found,
            execute,
        )
        if has_changed:
            # dlt remembers the types of the columns there.
            shutil.rmtree(folder / schema, ignore_errors=True)
        tables, chosen = (
            [with_keys(extraction.as_found(table), keys) for table in some] for some in (tables, chosen)
        )
        parents = {table.name: table for table in tables}
        extraction.source.recall(schema, create_raw_tables(tables, execute), execute)
        before = count_rows(chosen, execute)
        # Of equal times of change the version counts that was loaded last. So the time of loading only grows,
        # also after nights on which the machine's clock was ahead.
        latest = loaded_since(tables, extraction.loaded_at, execute)
        if latest:
            extraction.loaded_at = latest + timedelta(microseconds=1)
        for name, said in lost(extraction.source, tables, extraction.located, execute).items():
            extraction.errors.setdefault(name, said)
        for table in chosen:
            extraction.open(table)
            _refuse_whole(extraction, table)
        loadable = _loadable(extraction, chosen, execute)
        if loadable:
            run(_pipeline(schema, folder, warehouse), _source(loadable, extraction))
            discard_loaded(folder)
        deleted = {}
        for table in loadable:
            parent = parents.get(table.parent or "")
            if table.name in extraction.errors:
                take_out(extraction, table, execute)
                continue
            try:
                duplicates = refused_duplicates(extraction, table, execute)
                extraction.refusals.add(table, duplicates)
                if repeated := repeated_in_files(extraction, table, execute):
                    extraction.repeated[table.name] = repeated
                hashes = {each.row_hash for each in duplicates}
                deleted[table.name] = mark_deletions(extraction, table, parent, execute, hashes)
                mark_duplicates(extraction, table, duplicates, execute)
                mark_overtaken(extraction, table, execute)
                add_returned(extraction, table, execute)
                extraction.fractions[table.name] = list(first_fractions(table, extraction.loaded_at, execute))
                if warehouse.keeps_order and _is_large_first_filling(extraction, table, execute):
                    put_in_order(table, execute)
            except SourceError as error:
                extraction.errors[table.name] = str(error)
        # A first reading finds nothing gone, and nothing late.
        known = {name for name, rows in before.items() if rows} & extraction.located - {*extraction.errors}
        is_weeks_end = is_due(extraction.window, extraction.zone)
        if is_weeks_end:
            extraction.gone = mark_gone(extraction, tables, known, most_gone, execute)
            for name, each in extraction.gone.items():
                deleted[name] = deleted.get(name, 0) + each.marked
        done = [table for table in chosen if table.name not in extraction.errors]
        if not is_weeks_end:
            extraction.gone = emptied(extraction, done, known, execute)
        _settle_refusals(extraction, done, {table.name for table in loadable}, execute)
        _reconcile(extraction, done, execute)
        if is_weeks_end:
            extraction.late = late_rows(extraction, tables, known & {table.name for table in done}, execute)
        missed = [table for table in chosen if table.name in extraction.errors]
        extraction.source.remember(done, missed, extraction.window, execute)
        after = count_rows(chosen, execute)
    return {
        name: Loaded(rows=rows, new=rows - before[name], deleted=deleted.get(name, 0))
        for name, rows in after.items()
    }


def discard_loaded(folder: Path) -> None:
    """Remove the files that dlt has loaded and keeps: everybody's rows, for ever."""
    for loaded in folder.glob("*/load/loaded/*"):
        shutil.rmtree(loaded, ignore_errors=True)


def _settle_refusals(
    extraction: Extraction, tables: Sequence[SourceTable], loaded: Collection[str], execute: Execute
) -> None:
    if not tables:
        return
    known = refusals.has_refusals(tables[0].schema, execute)
    for table in tables:
        if table.name in extraction.located and (table.name in known or extraction.refusals.of(table)):
            source = extraction.source
            read_again = source.finds_again(table, extraction.window)
            refusals.settle(
                extraction.refusals,
                table,
                extraction.window,
                f"{read_again} or {found_again(table)}" if table.name in loaded else read_again,
                is_current=source.is_current,
                execute=execute,
            )
    extraction.refused = refusals.summaries(tables[0].schema, execute)


def _reconcile(extraction: Extraction, tables: Sequence[SourceTable], execute: Execute) -> None:
    """Find out which rows the source has and raw does not."""
    source = extraction.source
    located = [table for table in tables if table.name in extraction.located and own_time(table)]
    extraction.unbelievable = unbelievable(located, extraction.loaded_at, execute)
    if not source.is_current:
        return
    for table in located:
        days = recent_days(extraction.window, source.days_read(table, extraction.window), extraction.zone)
        spans = list(days.values())
        in_source = source.count_by_day(table, spans) if spans else None
        if in_source is not None:
            in_raw = rows_by_day(table, spans, execute)
            # Of a person who was forgotten the source may still have the row, on a day that nobody knows.
            forgotten = extraction.forgotten.records_of(table)
            extraction.missing[table.name] = list(differences(days, in_source, in_raw, forgotten))


def _refuse_whole(extraction: Extraction, table: SourceTable) -> None:
    """Leave a reference table as it was if none of its rows can be read."""
    if table.load == "snapshot" and extraction.is_refused_whole(table):
        refused = extraction.refusals.of(table)
        extraction.errors[table.name] = (
            f"{table.system}: of {table.source_table} all {len(refused):,} rows are refused, such as"
            f" {refusals.described(refused[0])}. Nothing of the table was loaded and what was there stays."
            " Mend it at the source, or the type in _sources.yml."
        )


def _loadable(extraction: Extraction, chosen: Sequence[SourceTable], execute: Execute) -> list[SourceTable]:
    """The tables of which the reading has something new."""
    # A child's deletions are found by the rows of its parent that were read, so both are always loaded.
    parents = {table.parent for table in chosen}
    alone = [table for table in chosen if table.name not in parents and table.parent is None]
    known = unchanged(extraction, alone, execute)
    return [
        table
        for table in chosen
        if table.name not in known
        and table.name not in extraction.errors
        and extraction.was_read(table)
        and (
            table.load == "snapshot"
            or extraction.rows[table.name]
            # A parent that has changed may have lost its rows here.
            or extraction.rows.get(table.parent or "")
        )
    ]


def _is_large_first_filling(extraction: Extraction, table: SourceTable, execute: Execute) -> bool:
    """Whether a table has only the rows of this reading, and many of them."""
    if extraction.rows[table.name] < LARGE:
        return False
    earlier = f"{LOADED_AT} < {timestamp(extraction.loaded_at)}"
    return not execute(f"select 1 from {table.schema}.{table.name} where {earlier} limit 1")


def _pipeline(schema: str, folder: Path, warehouse: Warehouse) -> dlt.Pipeline:
    pipeline = dlt.pipeline(
        schema,
        dataset_name=schema,
        destination=warehouse.dlt_destination(),
        pipelines_dir=str(folder),
    )
    # Raw itself is the state: windows come from the partition, and versions are found by their hash.
    pipeline.config.restore_from_destination = False
    return pipeline


def _source(tables: Sequence[SourceTable], extraction: Extraction) -> DltSource:
    """A dlt source with one resource per table."""

    @dlt.source(name=tables[0].schema, max_table_nesting=0)
    def declared() -> list[DltResource]:
        return [_resource(table, extraction) for table in tables]

    return declared()


def _resource(table: SourceTable, extraction: Extraction) -> DltResource:
    def batches() -> Iterator[pa.Table]:
        yield from extraction.read(table)

    # insert-only: a load adds the versions that are not there, and never changes those that are.
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
