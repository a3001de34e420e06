"""`retail-assets init`: a mapping for a system, from what its source has."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.prompt import Prompt

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.catalog.project import Project
from retail_assets.errors import UserError
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.mapping import nearest, shipped_mappings
from retail_assets.ingestion.proposal import proposed, written
from retail_assets.ingestion.sources import open_source
from retail_assets.ingestion.urls import shown
from retail_assets.settings import SYSTEMS, Settings


class InitError(UserError):
    """What keeps a mapping from being written."""


def write_mapping(settings: Settings, system: str, path: Path, *, asks: bool, console: Console) -> None:
    """Write a mapping for a system, or say that none is needed. Raises `InitError`, `SourceError`."""
    if system not in SYSTEMS:
        raise InitError(f"There is no system {system}{nearest(system, SYSTEMS)}")
    if path.exists():
        raise InitError(f"{path} is there already. Name another file with --output, or move it away.")
    contract = source_tables(Project(settings).manifest, system)
    plain = settings.model_copy(update={f"{system}_mapping": ""})
    source = open_source(plain, contract)
    source.check()
    fits = {name: _fitting(settings, contract, name) for name in ("", *shipped_mappings(system))}
    best = max(fits, key=lambda name: len(fits[name]))
    place = shown(settings.source_url(system))
    if {table.name for table in contract if not table.is_optional} <= set(fits[""]):
        console.print(
            f"No mapping is needed: {place} has all tables under the contract's names.", highlight=False
        )
        return
    if len(fits[best]) > len(fits[""]):
        path.write_text(
            f"# {place} has the layout of {best}: {', '.join(fits[best])}.\nextends: {best}\n",
            encoding="utf-8",
        )
        said = f"the shipped mapping {best} fits {len(fits[best])} tables"
    else:
        relations = source.relations()

        def ask(table: SourceTable, likely: str | None) -> str | None:
            if not asks:
                return likely
            console.print(f"\n[bold]{table.name}[/bold]: {table.description}", highlight=False)
            answer = Prompt.ask(
                "  from which table or file (- for none)", default=likely or "-", console=console
            )
            while answer != "-" and answer not in relations:
                console.print(f"  There is none of that name{nearest(answer, relations)}", highlight=False)
                answer = Prompt.ask("  from", default=likely or "-", console=console)
            return None if answer == "-" else answer

        found = proposed(source.tables, relations, ask)
        path.write_text(written(system, place, source.tables, found), encoding="utf-8")
        said = f"{len(found)} of {len(contract)} tables have something like it"
    console.print(
        f"Wrote {path}: {said}. Read it and correct it, set RETAIL_{system.upper()}_MAPPING={path},"
        f" and run `retail-assets inspect {system}`.",
        highlight=False,
    )


def _fitting(settings: Settings, contract: Sequence[SourceTable], mapping: str) -> list[str]:
    """The tables that a mapping finds with all that they must have."""
    system = contract[0].system
    try:
        source = open_source(settings.model_copy(update={f"{system}_mapping": mapping}), contract)
    except SourceError:
        # It is for files, and this is a database, or the other way round.
        return []
    found = []
    for table in source.tables:
        try:
            located = source.locate(table)
        except SourceUnreachableError:
            raise
        except SourceError:
            continue
        if located and not located.missing:
            found.append(table.name)
    # A file of products with a few of the same names is not yet a shop of that layout.
    covered = [table for table in source.tables if source.mapping.covers(table)]
    return found if not mapping or 2 * len(found) >= len(covered) else []
