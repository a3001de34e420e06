"""The pages as assets: downstream of what they show, so that lineage ends where people look.

A page is served from the published copy. So it is there as soon as its tables are; where
`RETAIL_DASHBOARDS_FOLDER` names a folder, its files are written, too. Pages of weekly tables alone go with
the weekly job, which also writes the files of the others that show a weekly table.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from retail_assets.catalog.exposures import DASHBOARDS, Exposure, Present
from retail_assets.partitions import partitions_by_name
from retail_assets.resources.tags import purpose, tagged
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings

_ANSWERED = "answered"
_STEPS = {"daily": "dashboards", "weekly": "weekly_dashboards"}


def dashboard_assets(
    settings: Settings, exposed: Sequence[Exposure], present: Present
) -> Sequence[dg.AssetsDefinition]:
    """The pages that have anything to show: one step per partitioning."""
    pages = [each for each in exposed if each.kind == DASHBOARDS and each.is_made_of(present)]
    weekly = {key for key, each in present.items() if isinstance(each, dg.WeeklyPartitionsDefinition)}
    steps = []
    for partition in _STEPS:
        made = [each for each in pages if each.partition == partition]
        also = [
            each for each in pages if partition == "weekly" and each not in made and each.is_made_of(weekly)
        ]
        if made:
            steps.append(_step(settings, partition, made, [page.name for page in also], present))
    return steps


def _step(
    settings: Settings, partition: str, pages: Sequence[Exposure], also: Sequence[str], present: Present
) -> dg.AssetsDefinition:
    """The pages of one partitioning. They show the newest days, whatever days a run is for."""
    by_key = {page.key: page for page in pages}

    @dg.multi_asset(
        name=_STEPS[partition],
        specs=[page.spec(settings, present, {"html", "dashboard"}) for page in pages],
        check_specs=[
            dg.AssetCheckSpec(
                _ANSWERED,
                asset=page.key,
                description="The tables that the page reads are there, and its queries have an answer.",
            )
            for page in pages
        ],
        can_subset=True,
        partitions_def=partitions_by_name(settings)[partition],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def step(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> Iterator[Any]:
        chosen = [page for key, page in by_key.items() if key in context.selected_asset_keys]
        chosen += [
            page
            for key, page in by_key.items()
            if dg.AssetCheckKey(key, _ANSWERED) in context.selected_asset_check_keys and page not in chosen
        ]
        with tagged(**purpose(context)):
            problems, states = _made(settings, warehouse, chosen, also, present)
        for page in chosen:
            if page.key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=page.key, metadata=states[page.name])
            if dg.AssetCheckKey(page.key, _ANSWERED) in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(
                    check_name=_ANSWERED,
                    asset_key=page.key,
                    passed=not problems[page.name],
                    description="; ".join(problems[page.name]) or None,
                )

    return step


def _made(
    settings: Settings,
    warehouse: Warehouse,
    pages: Sequence[Exposure],
    also: Sequence[str],
    present: Present,
) -> tuple[Mapping[str, list[str]], Mapping[str, Mapping[str, Any]]]:
    """What is wrong with each page, and what is said of it, by name. Writes files where there is a folder."""
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
    return problems, said
