"""The blank mappings, written from the contract: `python -m retail_assets.ingestion.blank`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retail_assets.catalog.contract import source_tables
from retail_assets.ingestion.mapping import BLANK, SHIPPED
from retail_assets.ingestion.proposal import blank
from retail_assets.settings import SYSTEMS


def blank_mappings(manifest: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The file of each system, and what it says."""
    for system in SYSTEMS:
        yield SHIPPED / f"{BLANK}.{system}.yml", blank(system, source_tables(manifest, system))


if __name__ == "__main__":
    from retail_assets.catalog.project import Project
    from retail_assets.settings import settings

    for path, text in blank_mappings(Project(settings()).manifest):
        path.write_text(text, encoding="utf-8")
