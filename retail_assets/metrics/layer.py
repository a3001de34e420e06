"""The semantic layer: figures by name, as SQL of the warehouse.

dbt has the definitions; MetricFlow, the engine behind dbt's own semantic layer, writes the SQL. So a figure
is right however it is grouped: a distinct count is counted anew, a ratio is one of sums.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retail_assets.catalog.presence import presence, systems_behind
from retail_assets.catalog.project import Project
from retail_assets.errors import UserError
from retail_assets.ingestion.mapping import ended, nearest
from retail_assets.resources.sql import text
from retail_assets.settings import Settings

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine

PERIODS = ("day", "week", "month", "quarter", "year")
_METRIC_TIME = "metric_time"
# Figures are sums of decimals; only a ratio of them is a floating number.
_RATIO_DIGITS = 6


@dataclass(frozen=True)
class Metric:
    """A metric that this deployment can compute."""

    name: str
    label: str
    description: str
    is_ratio: bool


@dataclass(frozen=True)
class Dimension:
    """What metrics can be grouped and filtered by."""

    name: str
    description: str
    qualified: str
    """As MetricFlow calls it."""
    is_entity: bool = False


@dataclass(frozen=True)
class Question:
    """Metrics, by periods and dimensions, of days from the first to the last, both included."""

    metrics: Sequence[str]
    by: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    where: Mapping[str, str] | None = None
    """Values of dimensions."""


class Layer:
    """The metrics of a deployment."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._project = Project(settings)

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """By name, in alphabetical order: those whose tables the deployment has."""
        return {
            name: Metric(name, node["label"], node["description"], node["type"] == "ratio")
            for name, node in sorted(self._nodes.items())
            if not self._missing(node)
        }

    def dimensions(self, metrics: Sequence[str]) -> Mapping[str, Dimension]:
        """What all of these metrics can be grouped by, by name, beside the periods."""
        self._check(metrics)
        found = [
            Dimension(each.name, each.description or "", each.dunder_name)
            for each in self._engine.simple_dimensions_for_metrics(list(metrics))
            if each.type.value == "categorical"
        ]
        # An entity that no table describes is its own value.
        entities = self._lone_entities
        found += [
            Dimension(each.name, entities[each.name], each.name, is_entity=True)
            for each in self._engine.entities_for_metrics(list(metrics))
            if each.name in entities
        ]
        return {each.name: each for each in sorted(found, key=lambda each: each.name)}

    def models(self, metric: str) -> Sequence[str]:
        """The dbt models that a metric is computed from, by their unique ids."""
        return self._models(self._nodes[metric])

    def sql(self, question: Question) -> str:
        """A query of the warehouse that answers the question; its columns have the names that were asked by.

        Raises `UserError` if a metric, or what it is asked by, is not there.
        """
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        known = self.dimensions(question.metrics)
        columns = {name: self._qualified(name, known) for name in question.by}
        request = MetricFlowQueryRequest.create(
            metric_names=list(question.metrics),
            group_by_names=list(columns.values()),
            where_constraints=[
                f"{self._reference(self._dimension(name, known))} = {text(value)}"
                for name, value in (question.where or {}).items()
            ],
            time_constraint_start=_midnight(question.first),
            time_constraint_end=_midnight(question.last),
        )
        computed = self._engine.explain(request).sql_statement.without_descriptions.sql
        shown = [
            *(
                f"cast({column} as date) as {name}" if name in PERIODS else f"{column} as {name}"
                for name, column in columns.items()
            ),
            *(
                f"round({name}, {_RATIO_DIGITS}) as {name}" if self.metrics[name].is_ratio else name
                for name in question.metrics
            ),
        ]
        ordered = f"\norder by {', '.join(columns)}" if columns else ""
        return f"select {', '.join(shown)}\nfrom (\n{computed}\n) as computed{ordered}"

    @cached_property
    def _nodes(self) -> Mapping[str, Mapping[str, Any]]:
        return {node["name"]: node for node in self._project.manifest["metrics"].values()}

    @cached_property
    def _absent(self) -> Set[str]:
        return presence(self._project.manifest, self._settings.systems).absent

    @cached_property
    def _lone_entities(self) -> Mapping[str, str]:
        """Descriptions of the entities that are foreign everywhere."""
        entities = [
            entity
            for model in self._project.manifest["semantic_models"].values()
            for entity in model["entities"]
        ]
        described = {entity["name"] for entity in entities if entity["type"] != "foreign"}
        return {
            entity["name"]: entity["description"] or ""
            for entity in entities
            if entity["name"] not in described
        }

    @cached_property
    def _engine(self) -> "MetricFlowEngine":
        from retail_assets.metrics.engine import engine_of

        definitions = self._project.target_path / "semantic_manifest.json"
        return engine_of(definitions.read_text(encoding="utf-8"), self._settings.warehouse)

    def _missing(self, node: Mapping[str, Any]) -> list[str]:
        """The models behind a metric that the deployment does not have."""
        return [each for each in self._models(node) if each in self._absent]

    def _models(self, node: Mapping[str, Any]) -> list[str]:
        manifest = self._project.manifest
        found: list[str] = []
        for each in node["depends_on"]["nodes"]:
            if each in manifest["metrics"]:
                found += self._models(manifest["metrics"][each])
            else:
                found += manifest["semantic_models"][each]["depends_on"]["nodes"]
        return found

    def _check(self, metrics: Sequence[str]) -> None:
        for name in metrics:
            if name in self.metrics:
                continue
            if name not in self._nodes:
                raise UserError(f"There is no metric {name!r}{ended(nearest(name, self.metrics))}")
            systems = {
                system
                for model in self._missing(self._nodes[name])
                for system in systems_behind(self._project.manifest, model, self._settings.systems)
            }
            raise UserError(
                f"The metric {name!r} needs {' or '.join(sorted(systems))}: add it to RETAIL_SOURCES."
            )

    def _qualified(self, name: str, known: Mapping[str, Dimension]) -> str:
        return f"{_METRIC_TIME}__{name}" if name in PERIODS else self._dimension(name, known).qualified

    def _dimension(self, name: str, known: Mapping[str, Dimension]) -> Dimension:
        if name not in known:
            raise UserError(
                f"These metrics cannot be shown by {name!r}{ended(nearest(name, [*PERIODS, *known]))}"
            )
        return known[name]

    def _reference(self, dimension: Dimension) -> str:
        kind = "Entity" if dimension.is_entity else "Dimension"
        return f"{{{{ {kind}('{dimension.qualified}') }}}}"


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min) if day else None
