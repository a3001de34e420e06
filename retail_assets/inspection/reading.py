"""Reading a system as the first run does, into a warehouse that is thrown away."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from retail_assets.catalog.contract import SourceTable
from retail_assets.cli.progress import Display
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.load import ingest
from retail_assets.ingestion.refusals import DUPLICATE
from retail_assets.ingestion.source import Source
from retail_assets.resources.warehouse import Warehouse
from retail_assets.windows import Window


@dataclass
class Reading(Extraction):
    """A reading that tells how far it is."""

    display: Display | None = None
    _told: set[str] = field(default_factory=set)

    def open(self, table: SourceTable) -> None:
        if self.display:
            self.display.at(table.system, table.name)
        super().open(table)
        if not self.rows[table.name]:
            self._done(table)

    def read(self, table: SourceTable) -> Iterator[pa.Table]:
        for batch in super().read(table):
            yield batch
            if self.display:
                self.display.at(table.system, f"{table.name}, {self.rows[table.name]:,} rows")
        self._done(table)

    def rows_read(self, table: SourceTable) -> int:
        """How many rows the source has for the window, with those that were refused."""
        # Of several rows of one key all were read, before some of them were refused.
        refused = sum(each.reason != DUPLICATE for each in self.refusals.of(table))
        return self.rows.get(table.name, 0) + refused

    def _done(self, table: SourceTable) -> None:
        if self.display and table.name not in self._told:
            self._told.add(table.name)
            self.display.done(table.system, table.name)


def read_system(
    source: Source, window: Window, zone: str, warehouse: Warehouse, folder: Path, display: Display
) -> Reading:
    """Read all tables of an opened source. Raises `SourceError` if it cannot be reached."""
    reading = Reading(source, window, zone=zone, display=display)
    reading.locate(source.tables)
    ingest(reading, source.tables, source.tables, warehouse, folder, _run)
    return reading


def _run(pipeline: Any, news: Any) -> None:
    pipeline.run(news, loader_file_format="parquet")
