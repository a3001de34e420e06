"""The data dictionary: what readers can query, as the warehouse itself describes it.

What a table is made from, what is checked and where it is shown is in dbt's manifest; of a table that Python
makes, only the last.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_assets.catalog.presence import table_of
from retail_assets.dashboards.answers import Query, State, comments_of, states_of

NAME = "dictionary"
TITLE = "Data dictionary"
_LAYERS = ("mart_", "warehouse", "quality")
"""Schemas that begin so, in this order: readers start from the marts."""


@dataclass(frozen=True)
class Column:
    """A column, as SQL names it."""

    name: str
    type: str
    description: str


@dataclass
class About:
    """What belongs to a table."""

    owner: str = ""
    made_from: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    shown_in: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """A table, with its columns in order, and how current it is, if that is kept."""

    name: str
    description: str
    state: State | None
    columns: Sequence[Column]
    about: About


@dataclass(frozen=True)
class Metric:
    """A metric, and the tables that it is computed from."""

    name: str
    label: str
    description: str
    tables: Sequence[str]


def metrics(manifest: Mapping[str, Any], shown: Sequence[Table]) -> Sequence[Metric]:
    """The metrics by name whose tables are all shown."""
    names = {table.name for table in shown}
    return [each for each in _metrics(manifest) if names.issuperset(each.tables)]


def tables(query: Query, comments: str, manifest: Mapping[str, Any]) -> Sequence[Table]:
    """All tables of marts, warehouse and quality. `comments` is the warehouse's query for descriptions."""
    about = _about(manifest)
    said, states = comments_of(query, comments), states_of(query)
    columns: dict[str, list[Column]] = {}
    for row in query(
        "select lower(table_schema || '.' || table_name) as named, lower(column_name) as column_named,"
        " lower(data_type) as data_typed from information_schema.columns"
        " order by named, ordinal_position"
    ).to_pylist():
        table, column, kind = row.values()
        # Columns that begin so are for the next run.
        if table.startswith(_LAYERS) and not column.startswith("_"):
            columns.setdefault(table, []).append(Column(column, kind, said.get((table, column), "")))
    return [
        Table(
            name,
            said.get((name, ""), ""),
            states.get(name),
            columns[name],
            about.get(name, About()),
        )
        for layer in _LAYERS
        for name in sorted(columns)
        if name.startswith(layer)
    ]


def _about(manifest: Mapping[str, Any]) -> Mapping[str, About]:
    # Not at the top: they need Dagster, and pages are served without it.
    from retail_assets.catalog.exposures import exposures
    from retail_assets.quality.dbt_tests import title

    found: dict[str, About] = defaultdict(About)
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] == "model":
            about = found[table_of(manifest, unique_id)]
            about.owner = ", ".join(node["config"]["meta"].get("dagster", {}).get("owners", []))
            # Keys that a run rebuilds are no part of what a table says.
            read = (table_of(manifest, each) for each in node["depends_on"]["nodes"])
            about.made_from = sorted(each for each in read if not each.startswith("affected."))
        elif node["resource_type"] == "test" and node["attached_node"]:
            found[table_of(manifest, node["attached_node"])].checks.append(title(node))
    for exposure in exposures(manifest):
        for table in exposure.tables:
            found[table].shown_in.append(exposure.called)
    for metric in _metrics(manifest):
        for table in metric.tables:
            found[table].metrics.append(metric.name)
    for about in found.values():
        about.checks.sort()
        about.shown_in.sort()
    return found


def _metrics(manifest: Mapping[str, Any]) -> Sequence[Metric]:
    measured = {
        measure["name"]: table_of(manifest, node)
        for model in manifest["semantic_models"].values()
        for measure in model["measures"]
        for node in model["depends_on"]["nodes"]
    }
    return [
        Metric(
            each["name"],
            each["label"],
            each["description"],
            sorted({measured[measure["name"]] for measure in each["type_params"]["input_measures"]}),
        )
        for each in sorted(manifest["metrics"].values(), key=lambda each: str(each["name"]))
    ]
