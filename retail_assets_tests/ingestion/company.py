"""A company of its own shape: a system with a mapping, ingested into a home of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.deployment import home
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.load import ingest
from retail_assets.ingestion.source import Source
from retail_assets.ingestion.sources import open_source
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings
from retail_assets.windows import Window

Manifest = Mapping[str, Any]


class Company:
    """One system, ingested by its contract. The mapping is a shipped one's name, or YAML."""

    def __init__(self, folder: Path, manifest: Manifest, system: str, url: str | Path, mapping: str = ""):
        self.contract = source_tables(manifest, system)
        self.system = system
        self.file = folder.parent / f"{system}.yml"
        named = mapping
        if ":" in mapping:
            self.file.write_text(mapping)
            named = str(self.file)
        given: dict[str, Any] = {f"{system}_url": str(url), f"{system}_mapping": named}
        self.settings = Settings(
            home=folder,
            # A window is read exactly, so that tests can say what is in it.
            overlap_hours=0,
            **given,
        )
        home.prepare(self.settings)

    def source(self) -> Source:
        return open_source(self.settings, self.contract)

    def run(self, window: Window, *only: str, most_gone: float = 0.1) -> Extraction:
        """One run, of these tables or all; its errors and problems can be asked for."""
        source = self.source()
        extraction = Extraction(source, window)
        self.last = extraction
        extraction.locate(source.tables)
        chosen = [table for table in source.tables if not only or table.name in only]
        warehouse = warehouse_of(self.settings)
        with warehouse.writing(print):
            folder = self.settings.home / "dlt"
            loaded = ingest(extraction, source.tables, chosen, warehouse, folder, _load, most_gone)
        self.deleted = {name: each.deleted for name, each in loaded.items() if each.deleted}
        self.problems = [problem for table in source.tables for problem in source.problems(table)]
        return extraction

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.settings.duckdb_path) as connection:
            return connection.execute(statement).fetchall()

    def told(self, table: str) -> list[str]:
        """Why the table, or files of it, were not loaded in the last run."""
        error = self.last.errors.get(table)
        return [*([error] if error else []), *self.last.source.refused(self.described(table))]

    @property
    def refused(self) -> list[tuple[Any, ...]]:
        """The rows that are refused, by their key, with the reason."""
        return self.query(f"""
            select row_key, reason from raw_{self.system}._refused_rows
            where _deleted_at is null order by all
        """)

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Raw's newest versions that are not deleted, in order."""
        described = self.described(table)
        return self.query(f"""
            select {columns} from (
                select * from {described.schema}.{table}
                qualify row_number() over (
                    partition by {", ".join(described.primary_key)}
                    order by _modified_at desc nulls last, _loaded_at desc, _row_hash
                ) = 1
            ) where _deleted_at is null order by all
        """)

    def described(self, table: str) -> SourceTable:
        return next(each for each in self.contract if each.name == table)


@dataclass(frozen=True)
class Shop:
    """Makes the web shop of a mapping; its files are in `folder`."""

    company: Callable[..., Company]
    folder: Path

    def __call__(self, mapping: str = "") -> Company:
        return self.company("webshop", self.folder, mapping)


def _load(pipeline: Any, source: Any) -> None:
    pipeline.run(source, loader_file_format="parquet")
