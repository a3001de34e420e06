"""The Power BI project: measures give the metrics' figures, parts fit each other and Microsoft's schemas.

Nothing here opens Power BI: DAX is evaluated by an interpreter of its own (dax_interpreter.py), and what
Power Query would read is read by DuckDB.
"""

import copy
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from rich.console import Console
from typer.testing import CliRunner

from retail_assets.catalog.exposures import METRICS
from retail_assets.cli.app import app
from retail_assets.errors import UserError
from retail_assets.extracts.command import extract
from retail_assets.metrics.layer import Layer, Question
from retail_assets.power_bi.dax import NotTranslated, dax_of
from retail_assets.power_bi.model import MEASURES, Model, Table, model_of
from retail_assets.power_bi.project import NAME, files_of
from retail_assets.power_bi.report import read_pages
from retail_assets_tests.conftest import Deployment
from retail_assets_tests.power_bi.dax_interpreter import Context, Row, evaluate

SCHEMAS = Path(os.environ.get("POWERBI_SCHEMAS", Path(__file__).parents[3] / "shared" / "powerbi-schemas"))


@pytest.fixture(scope="module")
def extracted(built: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extract of metrics."""
    folder = tmp_path_factory.mktemp("extracted")
    assert extract(Console(quiet=True), built.settings, str(folder), [METRICS])
    return folder


@pytest.fixture(scope="module")
def layer(built) -> Layer:
    return Layer(built.settings)


@pytest.fixture(scope="module")
def schemas(extracted) -> Mapping[str, Any]:
    return {path.parent.name: json.loads(path.read_text()) for path in extracted.rglob("schema.json")}


@pytest.fixture(scope="module")
def model(layer, manifest, schemas) -> Model:
    return model_of(manifest, list(layer.metrics), schemas)


class Data:
    """The tables of a model with their rows, as its queries read them."""

    def __init__(self, model: Model, folder: Path):
        self._model = model
        self.tables = {table.name: self._read(table, folder) for table in model.tables}
        self._ones = {
            (each.many.name, each.one.name): (
                each.many.column(each.many_column).name,
                {row[each.one.column(each.one_column).name]: row for row in self.tables[each.one.name]},
            )
            for each in model.relationships
        }

    def _read(self, table: Table, folder: Path) -> list[Row]:
        files = [f"{folder}/{METRICS}/{each}/*.parquet" for each in table.files]
        shown = ", ".join(f'{each.source} as "{each.name}"' for each in table.columns)
        conditions = [f"{column} = '{value}'" for column, value in table.only.items()]
        if table.key:
            conditions.append(f"{table.key} is not null")
        distinct = "distinct " if len(files) > 1 else ""
        where = f" where {' and '.join(conditions)}" if conditions else ""
        found = duckdb.execute(f"select {distinct}{shown} from read_parquet({files}){where}")
        names = [each[0] for each in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def related(self, many: str, row: Row, one: str) -> Row | None:
        column, rows = self._ones[many, one]
        return rows.get(row[column])

    def grouped(self, table: str, column: str) -> Mapping[Any, dict[str, list[Row]]]:
        """The rows of each table for each value of a dimension, with those that it does not reach whole."""
        values: dict[Any, dict[str, list[Row]]] = defaultdict(dict)
        reached = [many for many, one in self._ones if one == table]
        for many in reached:
            for row in self.tables[many]:
                one = self.related(many, row, table)
                values[one[column] if one else None].setdefault(many, []).append(row)
        return {
            value: {
                name: rows.get(name, [] if name in reached else whole) for name, whole in self.tables.items()
            }
            for value, rows in values.items()
        }

    def measure(self, name: str, tables: Mapping[str, Sequence[Row]]) -> Any:
        measures = {each.name: each.expression for each in self._model.measures}
        return evaluate(measures[name], Context(tables, self.related, measures))


@pytest.fixture(scope="module")
def data(model, extracted) -> Data:
    return Data(model, extracted)


def _figures(built, layer: Layer, question: Question) -> dict[Any, Any]:
    rows = built.query(layer.sql(question))
    return {row[0] if len(row) > 1 else None: row[-1] for row in rows}


def test_each_measure_is_its_metric(model, data, built, layer):
    assert {each.metric for each in model.measures} == layer.metrics.keys()
    for measure in model.measures:
        (expected,) = _figures(built, layer, Question([measure.metric])).values()
        assert data.measure(measure.name, data.tables) == pytest.approx(float(expected), abs=1e-6), measure
        assert expected, f"{measure.metric} says nothing here"


@pytest.mark.parametrize(
    ("by", "metrics"),
    [
        ("month", ["net_revenue", "repeat_orders", "customers", "stock_value", "roas", "return_rate"]),
        ("category", ["margin_rate", "orders", "stock_out_rate", "returned_quantity"]),
        ("sales_channel", ["average_order", "refunds", "repeat_rate"]),
        ("territory_name", ["revenue", "orders"]),
        ("country", ["customers", "discount_rate"]),
        ("center_name", ["quantity_on_hand", "missed_units"]),
    ],
)
def test_measures_are_their_metrics_by_what_they_are_shown_by(by, metrics, model, data, built, layer):
    table, column = model.dimension(by)
    groups = data.grouped(table.name, column.name)
    for name in metrics:
        measure = model.measure(name)
        found = {value: data.measure(measure.name, tables) for value, tables in groups.items()}
        expected = _figures(built, layer, Question([name], [by]))
        assert len(expected) > 1
        for value in found.keys() | expected.keys():
            one, other = found.get(value), expected.get(value)
            assert float(one or 0) == pytest.approx(float(other or 0), abs=1e-6), (name, value)


@pytest.mark.parametrize(
    "expression",
    [
        "case when flag then a end",
        "case when flag and b is not null then a else b end",
        "case when a > b then 1 when a < b then 2 else 3 end",
        "case when a = 0 or b is null then 1 else 0 end",
        "case when name <> 'x' then 1 else 0 end",
        "case when name = '' then 1 else 0 end",
        "coalesce(a, b, 7) * 2",
        "a + b * 2",
        "a - b",
        "(a + b) * coalesce(a, 1)",
        "nullif(name, 'x')",
        "name || ':' || name",
        "a / nullif(b, 0)",
    ],
)
def test_an_expression_is_what_it_is_in_sql_whatever_is_missing(expression):
    translated = dax_of(expression, lambda name: f"'T'[{name}]")
    for a, b, flag, name in product((None, 0, 3), (None, 0, 2), (None, True, False), (None, "", "x", 'y"z')):
        row = {"a": a, "b": b, "flag": flag, "name": name}
        ((expected,),) = duckdb.execute(
            f"select {expression}"
            " from (select ?::int as a, ?::int as b, ?::bool as flag, ?::varchar as name)",
            list(row.values()),
        ).fetchall()
        found = evaluate(translated, Context({}, lambda *_: None, {}, at=("T", row)))
        assert found == expected, (translated, row)


@pytest.mark.parametrize("expression", ["upper(name)", "not flag", "a in (1, 2)", "case a when 1 then 2 end"])
def test_what_has_no_translation_is_refused(expression):
    with pytest.raises(NotTranslated):
        dax_of(expression, str)


def test_a_metric_that_cannot_be_said_is_named(manifest, schemas):
    """To whoever has added one: a sentence, as for other mistakes of users."""
    added = copy.deepcopy(manifest["metrics"]["metric.retail_assets.net_revenue"])
    added["type_params"]["expr"] = "greatest(revenue, refunds)"
    changed = {**manifest, "metrics": {**manifest["metrics"], added["unique_id"]: added}}
    names = ["revenue", "refunds", "net_revenue"]
    with pytest.raises(UserError, match=r"The metric 'net_revenue': DAX of .* is not known"):
        model_of(changed, names, schemas)
    added["config"]["meta"] = {}
    with pytest.raises(UserError, match=r"'net_revenue' has no `meta.format`: one of money, number"):
        model_of(changed, names, schemas)


def test_the_parts_fit_each_other(model, tmp_path):
    names = [table.name.casefold() for table in model.tables] + [MEASURES.casefold()]
    assert len(names) == len({*names})
    for table in model.tables:
        columns = [column.name.casefold() for column in table.columns]
        assert len(columns) == len({*columns}), table.name
        assert table.description
        assert all(column.description for column in table.columns)
    assert len(model.measures) == len({each.name.casefold() for each in model.measures})
    # One way from each fact to each dimension, or Power BI asks which it is to go.
    pairs = [(each.many.name, each.one.name) for each in model.relationships]
    assert len(pairs) == len({*pairs})
    assert not {many for many, _ in pairs} & {one for _, one in pairs}
    for each in model.relationships:
        many, one = each.many.column(each.many_column), each.one.column(each.one_column)
        assert many.kind.tmdl == one.kind.tmdl
        assert many.is_hidden
        assert each.one.key == each.one_column
    # What a measure counts is reached by the measure only.
    sales = next(each for each in model.tables if each.name == "Sales")
    assert {"net_amount", "consumer_key"} <= {each.source for each in sales.columns if each.is_hidden}
    assert not sales.column("order_status").is_hidden
    # The report shows what is there, and all that its pages declare.
    files = files_of(model, str(tmp_path))
    shown = {
        (kind, field["Expression"]["SourceRef"]["Entity"], field["Property"])
        for name, text in files.items()
        if name.endswith("visual.json")
        for role in json.loads(text)["visual"]["query"]["queryState"].values()
        for projection in role["projections"]
        for kind, field in projection["field"].items()
    }
    there = {("Measure", MEASURES, each.name) for each in model.measures} | {
        ("Column", table.name, column.name) for table in model.tables for column in table.columns
    }
    assert shown <= there
    for page in read_pages():
        assert all(model.dimension(each) for each in [*page.filters, *(chart.by for chart in page.charts)])
        assert all(model.measure(each) for each in page.figures)
    assert files == files_of(model, str(tmp_path))


def test_the_key_of_a_dimension_is_there_once(model, data):
    for each in model.relationships:
        name = each.one.column(each.one_column).name
        values = [row[name] for row in data.tables[each.one.name]]
        assert None not in values
        assert len(values) == len({*values}), each.one.name


def test_the_text_is_tmdl(model):
    """Each line is an object, a property or a description, at the depth where it may stand."""
    line = re.compile(
        r"^(\t*)(///.*|(table|column|measure|partition|relationship|expression|ref table) '?[^']+'?( = .*)?"
        r"|database|model Model|\w+: .+|\w+|annotation \w+ = .+|source =( .*)?|)$"
    )
    for name, text in files_of(model, r"C:\extracts").items():
        if not name.endswith(".tmdl"):
            continue
        assert "\r" not in text
        depth = 0
        for each in text.split("\n"):
            if each.startswith("\t\t\t\t"):
                continue
            found = line.match(each)
            assert found, (name, each)
            assert len(found[1]) <= depth + 1, (name, each)
            depth = len(found[1]) if each else depth
        for query in re.findall(r"source =\n((?:\t{4}.*\n)+)", text):
            assert query.count("(") == query.count(")")
            assert query.count("{") == query.count("}")
    assert (
        r'"C:\extracts" meta [IsParameterQuery=true'
        in files_of(model, r"C:\extracts")[f"{NAME}.SemanticModel/definition/expressions.tmdl"]
    )


@pytest.mark.skipif(not SCHEMAS.exists(), reason="Microsoft's schemas are not at hand (set POWERBI_SCHEMAS)")
def test_the_json_is_as_microsoft_says(model):
    resources = [json.loads(path.read_text()) for path in SCHEMAS.rglob("*.json")]
    by_id = {each["$id"]: each for each in resources}
    # Some refer to a file by its name, others by its id.
    for path in SCHEMAS.rglob("schema-embedded.json"):
        content = json.loads(path.read_text())
        by_id[content["$id"].replace("schema.embedded.json", "schema-embedded.json")] = content
    registry = Registry().with_resources((key, Resource.from_contents(each)) for key, each in by_id.items())
    checked = 0
    for name, text in files_of(model, "folder").items():
        if name.endswith(".tmdl"):
            continue
        content = json.loads(text)
        validator = Draft7Validator(by_id[content["$schema"]], registry=registry)
        assert not [each.message for each in validator.iter_errors(content)], name
        checked += 1
    assert checked > 50


def test_systems_that_are_not_there_are_left_out(manifest, schemas):
    shop = {name: each for name, each in schemas.items() if not name.startswith("mrt_")}
    model = model_of(manifest, ["revenue", "orders", "average_order"], shop)
    assert [each.name for each in model.tables] == [
        "Sales", "Products", "Consumers", "Territories", "Sales channels", "Dates",
    ]  # fmt: skip
    pages = [json.loads(text) for name, text in files_of(model, "x").items() if name.endswith("page.json")]
    assert [each["displayName"] for each in pages] == ["Sales", "Customers", "Products and returns"]


def test_the_command_writes_a_project_and_only_replaces_one(built, extracted, tmp_path, monkeypatch):
    with built.entered():
        place = tmp_path / "project"
        asked = ["power-bi", "--to", str(place)]
        assert "RETAIL_EXTRACTS_FOLDER" in _refused(asked)
        assert f"extracts {METRICS} --to {tmp_path}" in _refused([*asked, "--extracts", str(tmp_path)])
        without = shutil.copytree(extracted, tmp_path / "without")
        shutil.rmtree(without / METRICS / "wh_dim_date")
        assert "has no wh_dim_date" in _refused([*asked, "--extracts", str(without)])
        asked += ["--extracts", str(extracted)]
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 0, done.output
        written = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
        assert {f"{NAME}.pbip", f"{NAME}.Report/definition.pbir"} <= written
        assert f"{NAME}.SemanticModel/definition/tables/Sales.tmdl" in written
        # A page that is no more goes with its project; nothing else is touched.
        (place / f"{NAME}.Report/definition/pages/old.json").touch()
        (place / "notes.txt").write_text("ours")
        assert CliRunner().invoke(app, asked).exit_code == 0
        again = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
        assert again == written | {"notes.txt"}
        other = tmp_path / "other"
        other.mkdir()
        (other / "work.txt").write_text("ours")
        assert "has other files" in _refused(["power-bi", "--to", str(other), "--extracts", str(extracted)])
        assert [path.name for path in other.iterdir()] == ["work.txt"]


def _refused(arguments: list[str]) -> str:
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)
