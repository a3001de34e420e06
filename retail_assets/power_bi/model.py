"""The semantic model of Power BI: tables of the extract of metrics, how they are joined, and the measures.

It says what dbt's semantic models say: facts are joined to dimensions by their entities and to the calendar
by their day, and each metric is a measure. All measures stand in a table of their own, since a measure and a
column of one table cannot have the same name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from jinja2 import Environment
from sqlglot import exp

from retail_assets.power_bi.dax import NotTranslated, dax_of, parse

MEASURES = "Metrics"
FORMATS = {"money": "#,0.00", "number": "#,0", "percent": "0.0%", "ratio": "0.00"}
"""How Power BI shows each format that a metric can have."""
_DAY, _MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:nn"
_PERIODS = {"month": "yyyy-mm", "year": "yyyy"}
# Power BI's fixed decimals have four digits after the point.
_FIXED_DIGITS = 4


@dataclass(frozen=True)
class Kind:
    """A column's type."""

    tmdl: str
    m: str
    """As Power Query calls it."""
    format: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    source: str
    """Its name in the files."""
    kind: Kind
    description: str
    is_hidden: bool = False


@dataclass(frozen=True)
class Table:
    """A table, read from a folder of the extract."""

    name: str
    description: str
    files: Sequence[str]
    """Folders of the extract; rows of several are put together, each distinct row once."""
    columns: Sequence[Column]
    only: Mapping[str, str] = field(default_factory=dict)
    """Texts that columns of the files must have."""
    key: str = ""
    """The column that tells its rows apart, by its name in the files; that of a fact is not said."""
    is_calendar: bool = False

    def reference(self, source: str) -> str:
        """A column as DAX and TMDL write it, by its name in the files."""
        return f"{quoted(self.name)}[{self.column(source).name}]"

    def column(self, source: str) -> Column:
        return next(each for each in self.columns if each.source == source)


@dataclass(frozen=True)
class Relationship:
    """Many rows of one table with one of another."""

    many: Table
    many_column: str
    one: Table
    one_column: str


@dataclass(frozen=True)
class Measure:
    """A metric in DAX."""

    name: str
    metric: str
    description: str
    expression: str
    format: str
    folder: str


@dataclass(frozen=True)
class Model:
    """All of it."""

    tables: Sequence[Table]
    relationships: Sequence[Relationship]
    measures: Sequence[Measure]

    def measure(self, metric: str) -> Measure | None:
        """The measure of a metric, if there is one here."""
        return next((each for each in self.measures if each.metric == metric), None)

    def dimension(self, name: str) -> tuple[Table, Column] | None:
        """What is shown by a name, such as `category`: of a dimension, before that of a fact."""
        joined = {each.one.name for each in self.relationships}
        for table in sorted(self.tables, key=lambda each: each.name not in joined):
            for column in table.columns:
                if column.name == titled(name) and not column.is_hidden:
                    return table, column
        return None


def quoted(name: str) -> str:
    """A name as DAX and TMDL write it."""
    doubled = name.replace("'", "''")
    return f"'{doubled}'"


def titled(name: str) -> str:
    """A name of the warehouse as people read it."""
    return name.replace("_", " ").capitalize()


def kind_of(type: str) -> Kind:
    """The type of a column, given that of the warehouse."""
    name, _, rest = type.lower().partition("(")
    if name == "date":
        return Kind("dateTime", "type date", _DAY)
    if name.startswith("timestamp"):
        return Kind("dateTime", "type datetime", _MINUTE)
    if name in ("boolean", "bool"):
        return Kind("boolean", "type logical")
    if name in ("tinyint", "smallint", "integer", "bigint", "hugeint", "int"):
        return Kind("int64", "Int64.Type", "0")
    if name in ("decimal", "numeric", "number"):
        digits = int(rest.rstrip(")").split(",")[-1]) if "," in rest else _FIXED_DIGITS
        return Kind("decimal", "Currency.Type") if digits <= _FIXED_DIGITS else Kind("double", "type number")
    if name in ("double", "float", "real"):
        return Kind("double", "type number")
    return Kind("string", "type text")


def model_of(
    manifest: Mapping[str, Any], metrics: Sequence[str], schemas: Mapping[str, Mapping[str, Any]]
) -> Model:
    """The model of some metrics, given dbt's manifest and the schema files of the extract by table.

    Raises `NotTranslated` if a metric says what this cannot say in DAX.
    """
    return _Builder(manifest, metrics, schemas).model()


def calendar_of(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    """The table that dbt's metrics have their days from, its column of days, and what it is."""
    return next(
        (node["name"], node["time_spine"]["standard_granularity_column"], node["description"])
        for node in manifest["nodes"].values()
        if node.get("time_spine")
    )


class _Builder:
    def __init__(self, manifest: Mapping[str, Any], metrics: Sequence[str], schemas: Mapping[str, Any]):
        self._metrics = {
            each["name"]: each for each in manifest["metrics"].values() if each["name"] in metrics
        }
        self._schemas = schemas
        self._semantic = {
            each["name"]: each
            for each in manifest["semantic_models"].values()
            if each["node_relation"]["alias"] in schemas
        }
        self._calendar = calendar_of(manifest)

    def model(self) -> Model:
        used = self._facts | {name for name in self._semantic if self._is_joined(name)}
        tables = [self._tables[name] for name in self._semantic if name in used]
        return Model(
            [*tables, *self._lone.values(), self._dates],
            list(self._relationships()),
            [self._measure(each) for each in self._metrics.values()],
        )

    @cached_property
    def _measured(self) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
        """Each measure of dbt, with the name of its semantic model."""
        return {
            measure["name"]: (name, measure)
            for name, each in self._semantic.items()
            for measure in each["measures"]
        }

    @cached_property
    def _facts(self) -> set[str]:
        """The semantic models whose measures the metrics need."""
        return {
            self._measured[each["name"]][0]
            for metric in self._metrics.values()
            for each in metric["type_params"]["input_measures"]
        }

    def _is_joined(self, name: str) -> bool:
        own = {each["name"] for each in self._semantic[name]["entities"] if each["type"] == "primary"}
        return any(own & set(self._foreign(fact)) for fact in self._facts)

    def _foreign(self, name: str) -> Mapping[str, str]:
        """The entities of a semantic model that are others', each with its column."""
        entities = self._semantic[name]["entities"]
        return {each["name"]: each["expr"] or each["name"] for each in entities if each["type"] == "foreign"}

    @cached_property
    def _tables(self) -> Mapping[str, Table]:
        return {name: self._table(name) for name in self._semantic}

    def _table(self, name: str) -> Table:
        semantic = self._semantic[name]
        alias = semantic["node_relation"]["alias"]
        titles = {each["expr"] or each["name"]: each for each in semantic["dimensions"]}
        hidden = set(self._foreign(name).values()) | {
            column.name
            for measure in semantic["measures"]
            for column in parse(measure["expr"] or measure["name"]).find_all(exp.Column)
        }
        key, only = "", dict[str, str]()
        for entity in semantic["entities"]:
            if entity["type"] == "primary":
                key, only = _key(entity["expr"] or entity["name"])
                hidden.add(key)
        if day := (semantic["defaults"] or {}).get("agg_time_dimension"):
            hidden.add(self._time(name, day))
        columns = []
        for each in self._schemas[alias]["columns"]:
            said = titles.get(each["name"], {})
            columns.append(
                Column(
                    titled(said.get("name", each["name"])),
                    each["name"],
                    kind_of(each["type"]),
                    said.get("description") or each["description"],
                    is_hidden=each["name"] in hidden,
                )
            )
        return Table(titled(name), semantic["description"], [alias], columns, only, key)

    @cached_property
    def _lone(self) -> Mapping[str, Table]:
        """A table for each entity that facts share and no table describes: its values."""
        described = {
            each["name"]
            for every in self._semantic.values()
            for each in every["entities"]
            if each["type"] == "primary"
        }
        found: dict[str, Table] = {}
        for fact in sorted(self._facts):
            for entity, source in self._foreign(fact).items():
                if entity in described:
                    continue
                files = (
                    [*found[entity].files, *self._tables[fact].files]
                    if entity in found
                    else self._tables[fact].files
                )
                column = self._tables[fact].column(source)
                shown = Column(column.name, source, column.kind, column.description)
                found[entity] = Table(f"{titled(entity)}s", column.description, files, [shown], key=source)
        return found

    @cached_property
    def _dates(self) -> Table:
        name, key, description = self._calendar
        columns = [
            Column(
                titled(period := each["name"].removeprefix("date_").removesuffix("_start")),
                each["name"],
                replace(kind_of(each["type"]), format=_PERIODS.get(period, _DAY)),
                each["description"],
            )
            for each in self._schemas[name]["columns"]
        ]
        return Table("Dates", description, [name], columns, key=key, is_calendar=True)

    def _relationships(self) -> Iterator[Relationship]:
        ones = {
            entity["name"]: (self._tables[name], _key(entity["expr"] or entity["name"])[0])
            for name, each in self._semantic.items()
            for entity in each["entities"]
            if entity["type"] == "primary"
        }
        for fact in sorted(self._facts):
            table = self._tables[fact]
            for entity, source in self._foreign(fact).items():
                one = ones.get(entity) or (self._lone[entity], source)
                yield Relationship(table, source, *one)
            yield Relationship(table, self._day(fact), self._dates, self._calendar[1])

    def _day(self, fact: str) -> str:
        return self._time(fact, self._semantic[fact]["defaults"]["agg_time_dimension"])

    def _time(self, name: str, dimension: str) -> str:
        dimensions = self._semantic[name]["dimensions"]
        return next(each["expr"] or dimension for each in dimensions if each["name"] == dimension)

    def _measure(self, metric: Mapping[str, Any]) -> Measure:
        # The file says the subject: models/metrics/sales.yml.
        folder = metric["path"].rsplit("/", 1)[-1].removesuffix(".yml").capitalize()
        name, shown = metric["name"], FORMATS.get(metric["config"]["meta"].get("format", ""))
        if not shown:
            raise NotTranslated(f"The metric {name!r} has no `meta.format`: one of {', '.join(FORMATS)}.")
        try:
            expression = self._dax(metric)
        except NotTranslated as error:
            raise NotTranslated(f"The metric {name!r}: {error}") from error
        return Measure(metric["label"], name, metric["description"], expression, shown, folder)

    def _dax(self, metric: Mapping[str, Any]) -> str:
        asked = metric["type_params"]
        if metric["type"] == "simple":
            return self._aggregate(asked["measure"]["name"], metric["filter"])
        if metric["type"] == "ratio" and not metric["filter"]:
            parts = (self._label(asked[each]["name"]) for each in ("numerator", "denominator"))
            return f"DIVIDE({', '.join(parts)})"
        if metric["type"] == "derived" and not metric["filter"]:
            return dax_of(asked["expr"], self._label)
        raise NotTranslated(f"Its type, {metric['type']}, with its filter has no DAX here.")

    def _label(self, metric: str) -> str:
        return f"[{self._metrics[metric]['label']}]"

    def _aggregate(self, measure: str, where: Mapping[str, Any] | None) -> str:
        fact, declared = self._measured[measure]
        table = self._tables[fact]
        rows = quoted(table.name)
        for each in (where or {}).get("where_filters", ()):
            rows = f"FILTER({rows}, {self._filter(fact, each['where_sql_template'])})"
        value = dax_of(declared["expr"] or declared["name"], table.reference)
        if declared["agg"] == "sum":
            computed = f"SUMX({rows}, {value})"
        elif declared["agg"] == "count_distinct":
            values = f'DISTINCT(SELECTCOLUMNS({rows}, "value", {value}))'
            computed = f"COUNTROWS(FILTER({values}, NOT ISBLANK([value])))"
        else:
            raise NotTranslated(f"The measure {measure!r} is a {declared['agg']}, which has no DAX here.")
        level = declared["non_additive_dimension"]
        if not level:
            return computed
        if level["window_choice"] != "max" or level["window_groupings"]:
            raise NotTranslated(f"The measure {measure!r} is a level of another day than the last.")
        day = table.reference(self._time(fact, level["name"]))
        return f"VAR last_day = MAX({day}) RETURN CALCULATE({computed}, {day} = last_day)"

    def _filter(self, fact: str, template: str) -> str:
        """A filter of MetricFlow: its references become names, and these columns."""
        named: dict[str, str] = {}

        def refer(found: str) -> str:
            name = f"reference_{len(named)}"
            named[name] = found
            return name

        rendered = (
            Environment(autoescape=False)
            .from_string(template)
            .render(
                Entity=lambda entity: refer(self._tables[fact].reference(self._foreign(fact)[entity])),
                Dimension=lambda path: refer(self._path(fact, path)),
                TimeDimension=lambda path, _grain="day": refer(self._path(fact, path)),
            )
        )
        return dax_of(rendered, named.__getitem__)

    def _path(self, fact: str, path: str) -> str:
        """`consumer__first_purchase_date`, as seen from a row of a fact."""
        entity, dimension = path.split("__")
        if entity == self._semantic[fact]["primary_entity"]:
            return self._tables[fact].reference(self._time(fact, dimension))
        (name,) = (
            name
            for name, each in self._semantic.items()
            if any(one["name"] == entity and one["type"] == "primary" for one in each["entities"])
        )
        return f"RELATED({self._tables[name].reference(self._time(name, dimension))})"


def _key(expression: str) -> tuple[str, dict[str, str]]:
    """The column of a key, and the texts that other columns have in its rows.

    `case when location_type = 'territory' then territory_id end` is a key of the rows of territories only.
    """
    node = parse(expression)
    if isinstance(node, exp.Column):
        return node.name, {}
    if isinstance(node, exp.Case) and len(node.args["ifs"]) == 1 and not node.args.get("default"):
        condition, key = node.args["ifs"][0].this, node.args["ifs"][0].args["true"]
        if isinstance(condition, exp.EQ) and isinstance(key, exp.Column):
            column, value = condition.this, condition.expression
            if isinstance(column, exp.Column) and isinstance(value, exp.Literal) and value.is_string:
                return key.name, {column.name: value.this}
    raise NotTranslated(f"The key {expression!r} is neither a column nor one of some rows.")
