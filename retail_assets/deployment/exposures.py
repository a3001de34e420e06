"""The dbt project's exposures, from the pages, the marts' groups and the reports.

    python -m retail_assets.deployment.exposures

A page says nothing of what it reads beside its SQL: so neither list can forget a table.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from retail_assets.catalog.exposures import DASHBOARDS, EXTRACTS, METRICS, TYPES, Exposure
from retail_assets.catalog.presence import table_of
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.answers import tables_of
from retail_assets.dashboards.pages import Page, read_pages
from retail_assets.segmentation.assets import REPORT

FILE = PROJECT_DIR / "models" / "exposures.yml"
_HEAD = "# Generated: python -m retail_assets.deployment.exposures\n"
_NONE = f"{_HEAD}exposures: []\n"


def generated(manifest: Mapping[str, Any], graph: Any) -> str:
    """The file, given the manifest and the asset graph of a deployment with all systems."""
    models = {table_of(manifest, each): node["name"] for each, node in _models(manifest)}
    found = [
        *(_of_page(page, graph) for page in read_pages(PROJECT_DIR)),
        *_of_marts(graph),
        _of_metrics(manifest, graph),
        REPORT,
    ]
    entries = [
        {
            "name": each.dbt_name,
            "label": each.label,
            "type": TYPES[each.kind],
            "description": each.description,
            "owner": {"name": each.owner},
            "depends_on": [f"ref('{models[table]}')" for table in each.tables if table in models],
            "config": {
                "meta": {
                    "asset": f"{each.kind}/{each.name}",
                    "partition": each.partition,
                    "tables": list(each.tables),
                    "shows": dict(each.shows),
                }
            },
        }
        for each in found
    ]
    return _HEAD + yaml.safe_dump({"exposures": entries}, sort_keys=False, allow_unicode=True, width=120)


def _models(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    nodes = manifest["nodes"].items()
    return ((each, node) for each, node in nodes if node["resource_type"] == "model")


def _of_page(page: Page, graph: Any) -> Exposure:
    figures = page.figures.show if page.figures else ()
    shown = {each.column: each.title for each in figures}
    charts = {f"{page.name}-{number}.csv": chart.title for number, chart in enumerate(page.charts)}
    tables = tables_of(page)
    # What is only weekly is made again every week.
    partition = "weekly" if all(_partition(graph, each) == "weekly" for each in tables) else "daily"
    return Exposure(
        DASHBOARDS, page.name, page.title, page.description, page.owner, partition, tables, shown | charts
    )


def _of_marts(graph: Any) -> Iterator[Exposure]:
    """An extract for each group of marts, whose tables have the same partitions and owner."""
    families: dict[str, list[dg.AssetKey]] = defaultdict(list)
    for key in sorted(graph.get_all_asset_keys()):
        if key.path[0].startswith("mart_"):
            families[graph.get(key).group_name].append(key)
    for group, keys in sorted(families.items()):
        name = group.removeprefix("mart_")
        tables = [".".join(key.path) for key in keys]
        (partition,) = {_partition(graph, each) for each in tables}
        yield Exposure(
            EXTRACTS,
            name,
            f"Extract of {name.replace('_', ' ')}",
            f"The marts of {name.replace('_', ' ')} as files, by month.",
            graph.get(keys[0]).owners[0],
            partition,
            tables,
            {key.path[-1]: _first_sentence(graph.get(key).description) for key in keys},
        )


def _of_metrics(manifest: Mapping[str, Any], graph: Any) -> Exposure:
    """An extract of what metrics are computed from, for tools that compute them by themselves."""
    read = {node for each in manifest["semantic_models"].values() for node in each["depends_on"]["nodes"]}
    shown = {
        table_of(manifest, key): node["description"]
        for key, node in sorted(_models(manifest))
        if key in read or node.get("time_spine")
    }
    return Exposure(
        EXTRACTS,
        METRICS,
        "Extract of metrics",
        "What metrics are computed from, as files: facts by month, and dimensions.",
        "team:analysts",
        "daily",
        sorted(shown),
        {table.split(".")[1]: _first_sentence(said) for table, said in shown.items()},
    )


def _partition(graph: Any, table: str) -> str:
    node = graph.get(dg.AssetKey(table.split(".")))
    return "weekly" if isinstance(node.partitions_def, dg.WeeklyPartitionsDefinition) else "daily"


def _first_sentence(description: str) -> str:
    return description.split(". ")[0].rstrip(".") + "."


def write(folder: Path) -> None:
    """Write the file. The project is parsed without it, since it may name models that are gone."""
    from retail_assets.catalog.project import Project
    from retail_assets.definitions import definitions_of
    from retail_assets.settings import Settings

    before = FILE.read_text(encoding="utf-8") if FILE.exists() else _NONE
    FILE.write_text(_NONE, encoding="utf-8")
    try:
        settings = Settings(home=folder)
        graph = definitions_of(settings).resolve_asset_graph()
        before = generated(Project(settings).manifest, graph)
    finally:
        FILE.write_text(before, encoding="utf-8")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as home:
        write(Path(home))
