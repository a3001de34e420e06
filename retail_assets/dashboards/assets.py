"""The pages as assets: downstream of what they show, so that lineage ends where people look.

A page is served from the published copy. So it is there as soon as its tables are; where
`RETAIL_DASHBOARDS_FOLDER` names a folder, its files are written, too. Pages of weekly tables alone go with
the weekly job, which also writes the files of the others that show a weekly table.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from retail_assets.catalog.exposures import DASHBOARDS, Exposure, Present
from retail_assets.exposed_assets import Made, exposed_steps
from retail_assets.partitions import partitions_by_name
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings


def dashboard_assets(
    settings: Settings, exposed: Sequence[Exposure], present: Present
) -> Sequence[dg.AssetsDefinition]:
    """The pages that have anything to show. They show the newest days, whatever days a run is for."""
    pages = [each for each in exposed if each.kind == DASHBOARDS and each.is_made_of(present)]
    weekly = {key for key, each in present.items() if isinstance(each, dg.WeeklyPartitionsDefinition)}
    also = [each.name for each in pages if each.partition != "weekly" and each.is_made_of(weekly)]

    def make(warehouse: Warehouse, partition: str, chosen: Sequence[Exposure]) -> Mapping[str, Made]:
        return _made(settings, warehouse, chosen, also if partition == "weekly" else (), present)

    return exposed_steps(
        settings,
        pages,
        present,
        kinds={"html", "dashboard"},
        check="answered",
        asks="The tables that the page reads are there, and its queries have an answer.",
        make=make,
    )


def _made(
    settings: Settings,
    warehouse: Warehouse,
    pages: Sequence[Exposure],
    also: Sequence[str],
    present: Present,
) -> Mapping[str, Made]:
    """What came of each page. Writes files where there is a folder, those of other pages, too."""
    from retail_assets.dashboards.answers import states_of

    with warehouse.reading() as query:
        known = states_of(query)
        rows = query("select lower(table_schema || '.' || table_name) from information_schema.tables")
        there = {*rows.column(0).to_pylist()}
    problems: dict[str, list[str]] = {}
    said: dict[str, dict[str, Any]] = {}
    for page in pages:
        # To a daily page a weekly table comes with the first week.
        keys = {each: dg.AssetKey(each.split(".")) for each in page.tables}
        due = partitions_by_name(settings)[page.partition]
        wanted = {each for each, key in keys.items() if present.get(key) == due}
        problems[page.name] = [f"{each} is not there" for each in sorted(wanted - there)]
        states = [known[each] for each in page.tables if each in known]
        behind = [f"{each.table}: {each.state}" for each in states if each.state != "current"]
        days = [each.as_of for each in states if each.as_of]
        said[page.name] = {
            "as of": min(days).isoformat() if days else "the newest week",
            "tables behind": ", ".join(behind) or "none",
        }
    if settings.dashboards_folder:
        from retail_assets.dashboards.export import update_all

        written = update_all(settings, warehouse, [*(page.name for page in pages), *also])
        folder = Path(settings.dashboards_folder).expanduser().absolute()
        for page in pages:
            problems[page.name] += written[page.name]
            said[page.name]["file"] = dg.MetadataValue.path(folder / f"{page.name}.html")
    return {page.name: Made(said[page.name], problems[page.name]) for page in pages}
