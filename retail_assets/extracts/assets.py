"""The extracts as assets: one for each family of marts, where `RETAIL_EXTRACTS_FOLDER` names a folder."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from retail_assets.catalog.exposures import EXTRACTS, Exposure, Present
from retail_assets.exposed_assets import Made, exposed_steps
from retail_assets.resources.warehouse import Warehouse, WarehouseError
from retail_assets.settings import Settings

if TYPE_CHECKING:
    from retail_assets.extracts.tables import Written

MONTHS_NAMED = 12
# After so long the weekly job has written what it has to.
UNTIL_WEEKLY = timedelta(days=8)


def extract_assets(
    settings: Settings, exposed: Sequence[Exposure], present: Present
) -> Sequence[dg.AssetsDefinition]:
    """The extracts of what the deployment has. None without a folder."""
    if not settings.extracts_folder:
        return []
    extracts = [each for each in exposed if each.kind == EXTRACTS and each.is_made_of(present)]

    def make(warehouse: Warehouse, _partition: str, chosen: Sequence[Exposure]) -> Mapping[str, Made]:
        return _made(settings, warehouse, chosen, [each for each in extracts if each not in chosen])

    return exposed_steps(
        settings,
        extracts,
        present,
        kinds=set(settings.formats),
        check="extract_is_whole",
        asks="Every month of every table has its files, with the rows of the table.",
        make=make,
    )


def _made(
    settings: Settings, warehouse: Warehouse, chosen: Sequence[Exposure], others: Sequence[Exposure]
) -> Mapping[str, Made]:
    """What came of each extract that is chosen."""
    from retail_assets.extracts.folder import Folder
    from retail_assets.extracts.writing import write_extracts
    from retail_assets.ingestion.versions import timestamp
    from retail_assets.privacy.erasure import ERASURES

    # Whom a night or a command has erased goes from the files of past weeks as well.
    since = timestamp(datetime.now(UTC) - UNTIL_WEEKLY)
    erased = _is_any(warehouse, f"select 1 from {ERASURES} where erased_at >= {since} limit 1")
    written = write_extracts(settings, warehouse, [*chosen, *(others if erased else ())])
    folder = Folder(settings.extracts_folder)
    return {
        name: Made(
            {
                "folder": folder.place(name),
                "rows": sum(table.rows for table in tables),
                "months written": _named(tables, "rewritten"),
                "too long for a sheet": _named(tables, "too_long"),
            },
            [f"{table.table}: {said}" for table in tables for said in table.problems],
        )
        for name, tables in written.items()
    }


def _named(tables: Sequence["Written"], which: str) -> str:
    """Some months of the tables, in a line."""
    parts = []
    for table in tables:
        months = getattr(table, which)
        if months:
            more = ", ..." if len(months) > MONTHS_NAMED else ""
            parts.append(f"{table.table} {', '.join(months[-MONTHS_NAMED:])}{more}")
    return "; ".join(parts) or "none"


def _is_any(warehouse: Warehouse, query: str) -> bool:
    """Whether a query has rows; not if it asks for what is not there."""
    try:
        return bool(warehouse.query(query).num_rows)
    except WarehouseError:
        return False
