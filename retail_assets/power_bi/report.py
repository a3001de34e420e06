"""The report as PBIR, Power BI's format of reports: a JSON file for each page and each visual.

Source: Microsoft's published schemas (`$schema` in each file), against which the tests check them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from retail_assets.errors import UserError
from retail_assets.power_bi.model import MEASURES, Model

SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric/item/report"
_PAGES = Path(__file__).with_name("pages.yml")
_WIDTH, _HEIGHT, _GAP = 1280, 720, 16
_FILTERS, _FIGURES = 80, 96
_KINDS = {"line": "lineChart", "bar": "clusteredBarChart"}
_ACROSS = 2


@dataclass(frozen=True)
class Chart:
    """Metrics by something, as lines or bars."""

    kind: str
    title: str
    metrics: Sequence[str]
    by: str


@dataclass(frozen=True)
class Page:
    """A page of the report."""

    page: str
    figures: Sequence[str] = ()
    filters: Sequence[str] = ()
    charts: Sequence[Chart] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.page.lower().replace(" ", "_")


def read_pages(path: Path = _PAGES) -> Sequence[Page]:
    """The pages as they are declared."""
    return [
        Page(**{**each, "charts": [Chart(**chart) for chart in each.get("charts", ())]})
        for each in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def report_of(model: Model, pages: Sequence[Page]) -> Mapping[str, Any]:
    """The JSON files of a report, by their names within `definition`: what the model has of the pages."""
    files: dict[str, Any] = {
        "version.json": _with_schema("versionMetadata/1.0.0", version="2.0.0"),
        "report.json": _with_schema("report/3.3.0", themeCollection={}),
    }
    shown = []
    for page in pages:
        visuals = list(_visuals(model, page))
        if not visuals:
            continue
        shown.append(page.name)
        files[f"pages/{page.name}/page.json"] = _with_schema(
            "page/2.1.0",
            name=page.name,
            displayName=page.page,
            displayOption="FitToPage",
            height=_HEIGHT,
            width=_WIDTH,
        )
        for number, visual in enumerate(visuals):
            name = f"visual_{number:02}"
            content = _with_schema("visualContainer/2.9.0", name=name, **visual)
            content["position"] |= {"z": number, "tabOrder": number}
            files[f"pages/{page.name}/visuals/{name}/visual.json"] = content
    if not shown:
        raise UserError("There is no metric for a page: `retail-assets metrics` lists what there is.")
    files["pages/pages.json"] = _with_schema("pagesMetadata/1.1.0", pageOrder=shown, activePageName=shown[0])
    return files


def _with_schema(schema: str, **content: Any) -> dict[str, Any]:
    return {"$schema": f"{SCHEMAS}/definition/{schema}/schema.json", **content}


def _visuals(model: Model, page: Page) -> Iterator[dict[str, Any]]:
    """Filters above, figures beneath them, and charts in two columns; none where there is no figure."""
    figures = [measure for name in page.figures if (measure := model.measure(name))]
    charts = [each for each in page.charts if _has(model, each)]
    if not figures and not charts:
        return
    filters = [found for name in page.filters if (found := model.dimension(name))]
    for (table, column), position in zip(filters, _row(len(filters), 0, _FILTERS), strict=True):
        yield _visual(
            "slicer", position, {"Values": [_field("Column", table.name, column.name)]}, column.name
        )
    for measure, position in zip(figures, _row(len(figures), _FILTERS, _FIGURES), strict=True):
        yield _visual("card", position, {"Values": [_field("Measure", MEASURES, measure.name)]}, measure.name)
    top = _FILTERS + _FIGURES
    rows = -(-len(charts) // _ACROSS)
    height = (_HEIGHT - top) // max(rows, 1)
    for row in range(rows):
        some = charts[row * _ACROSS : (row + 1) * _ACROSS]
        for chart, position in zip(some, _row(len(some), top + row * height, height), strict=True):
            yield _chart(model, chart, position)


def _has(model: Model, chart: Chart) -> bool:
    return all(model.measure(each) for each in chart.metrics) and model.dimension(chart.by) is not None


def _chart(model: Model, chart: Chart, position: dict[str, int]) -> dict[str, Any]:
    found = model.dimension(chart.by)
    measures = [model.measure(each) for each in chart.metrics]
    assert found
    table, column = found
    by = _field("Column", table.name, column.name)
    values = [_field("Measure", MEASURES, each.name) for each in measures if each]
    visual = _visual(_KINDS[chart.kind], position, {"Category": [by], "Y": values}, chart.title)
    # Bars from the longest, lines from the first day.
    ascending = chart.kind == "line"
    sorted_by = (by if ascending else values[0])["field"]
    direction = "Ascending" if ascending else "Descending"
    visual["visual"]["query"]["sortDefinition"] = {
        "sort": [{"field": sorted_by, "direction": direction}],
        "isDefaultSort": True,
    }
    return visual


def _visual(
    kind: str, position: dict[str, int], roles: Mapping[str, Sequence[dict[str, Any]]], title: str
) -> dict[str, Any]:
    return {
        "position": position,
        "visual": {
            "visualType": kind,
            "query": {"queryState": {role: {"projections": [*fields]} for role, fields in roles.items()}},
            "visualContainerObjects": {
                "title": [{"properties": {"show": _literal("true"), "text": _text(title)}}]
            },
            "drillFilterOtherVisuals": True,
        },
    }


def _field(kind: str, table: str, name: str) -> dict[str, Any]:
    return {
        "field": {kind: {"Expression": {"SourceRef": {"Entity": table}}, "Property": name}},
        "queryRef": f"{table}.{name}",
        "nativeQueryRef": name,
    }


def _literal(value: str) -> dict[str, Any]:
    return {"expr": {"Literal": {"Value": value}}}


def _text(value: str) -> dict[str, Any]:
    doubled = value.replace("'", "''")
    return _literal(f"'{doubled}'")


def _row(count: int, top: int, height: int) -> Iterator[dict[str, int]]:
    """Places beside each other."""
    width = (_WIDTH - _GAP) // max(count, 1)
    for number in range(count):
        yield {
            "x": _GAP + number * width,
            "y": top + _GAP,
            "width": width - _GAP,
            "height": height - _GAP,
        }
