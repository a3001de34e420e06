"""Loading into raw through dlt: every version of every row that was seen, once.

It knows nothing of the orchestrator: who calls `ingest` says how dlt's pipeline is run.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource, DltSource

from retail_assets.catalog.contract import LOADED_AT, ROW_HASH, SourceTable
from retail_assets.ingestion.comparison import add_returned, mark_deletions, unchanged
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.keys import settled_keys, with_keys
from retail_assets.ingestion.raw_tables import create_raw_tables, put_in_order
from retail_assets.ingestion.versions import timestamp
from retail_assets.resources.warehouse import Execute, Warehouse

Run = Callable[[dlt.Pipeline, DltSource], Any]

# A table of fewer rows is read whole in a moment; one of so many is worth being written once more, in order.
LARGE = 2_000_000


def ingest(
    extraction: Extraction,
    tables: Sequence[SourceTable],
    chosen: Sequence[SourceTable],
    warehouse: Warehouse,
    folder: Path,
    run: Run,
) -> Mapping[str, int]:
    """Load what a system says of the `chosen` ones of its tables; `run` runs a pipeline on a source.

    dlt is started only if there is something to load; its own state is in `folder`. Tables that cannot be
    read, or have lost too many rows, are in the extraction's errors. Returns how many rows were found
    deleted, by table.
    """
    schema = tables[0].schema
    with warehouse.session() as execute:
        keys, has_changed = settled_keys(
            extraction.source,
            [extraction.as_found(table) for table in tables],
            extraction.found,
            execute,
        )
        if has_changed:
            # dlt's memory of the columns' types.
            shutil.rmtree(folder / schema, ignore_errors=True)
        tables, chosen = (
            [with_keys(extraction.as_found(table), keys) for table in some] for some in (tables, chosen)
        )
        parents = {table.name: table for table in tables}
        extraction.source.recall(schema, create_raw_tables(tables, execute), execute)
        for table in chosen:
            extraction.open(table)
        loadable = _loadable(extraction, chosen, execute)
        if loadable:
            run(_pipeline(schema, folder, warehouse), _source(loadable, extraction))
        deleted = {}
        for table in loadable:
            parent = parents.get(table.parent or "")
            try:
                deleted[table.name] = mark_deletions(extraction, table, parent, execute)
                add_returned(extraction, table, execute)
                if warehouse.keeps_order and _is_large_first_filling(extraction, table, execute):
                    put_in_order(table, execute)
            except SourceError as error:
                extraction.errors[table.name] = str(error)
        done = [table for table in chosen if table.name not in extraction.errors]
        extraction.source.remember(done, execute)
    return deleted


def _loadable(extraction: Extraction, chosen: Sequence[SourceTable], execute: Execute) -> list[SourceTable]:
    """The tables that the reading says something new of."""
    known = unchanged(extraction, chosen, execute)
    return [
        table
        for table in chosen
        if table.name not in known
        and extraction.was_read(table)
        and (
            table.load == "snapshot"
            or extraction.rows[table.name]
            # A parent that has changed may have lost its rows here.
            or extraction.rows.get(table.parent or "")
        )
    ]


def _is_large_first_filling(extraction: Extraction, table: SourceTable, execute: Execute) -> bool:
    """Whether a table has no rows but those of this reading, which are many."""
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
