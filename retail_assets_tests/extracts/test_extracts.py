"""The marts as files: whole, by month, only what has changed, without personal data."""

import csv
import json
import math
import shutil
import stat
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from xml.etree import ElementTree
from zipfile import ZipFile

import dagster as dg
import duckdb
import fsspec
import pyarrow as pa
import pytest
from pyarrow import parquet
from rich.console import Console

from retail_assets.catalog.exposures import EXTRACTS, exposures
from retail_assets.definitions import definitions_of
from retail_assets.extracts import tables as written_tables
from retail_assets.extracts.command import extract
from retail_assets.extracts.tables import SCHEMA_FILE
from retail_assets.extracts.workbook import write_workbook
from retail_assets.extracts.writing import write_extracts
from retail_assets.resources.warehouse import warehouse_of
from retail_assets_tests.conftest import NEW_DAYS, WEEKS
from retail_assets_tests.faults import Area, fault


@pytest.fixture
def settings(built, tmp_path):
    """A home with a copy of what was published, to be changed, and a folder for extracts."""
    changes = {"home": tmp_path / "home", "extracts_folder": str(tmp_path / "files")}
    settings = built.settings.model_copy(update=changes)
    settings.published_path.parent.mkdir(parents=True)
    shutil.copyfile(built.settings.published_path, settings.published_path)
    shutil.copytree(built.settings.home / "dbt", settings.home / "dbt")
    return settings


@pytest.fixture
def write(settings, manifest):
    """Writes extracts by their names; what was done with each table."""
    known = {each.name: each for each in exposures(manifest) if each.kind == EXTRACTS}

    def write(*names, **changes):
        changed = settings.model_copy(update=changes)
        found = write_extracts(changed, warehouse_of(changed), [known[name] for name in names or known])
        return {each.table: each for tables in found.values() for each in tables}

    return write


def _files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_all_marts_are_there_by_month_without_personal_data(settings, write, built, manifest, tmp_path):
    written = write()
    assert len(written) > 30
    assert not [each for each in written.values() if each.problems]
    folder = tmp_path / "files"
    files = _files(folder)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*/")} == {0o700}
    name = "sales/sales_performance/sales_performance"
    assert {f"{name}-2024-03.parquet", f"{name}-2024-04.parquet"} <= files.keys()
    rows = duckdb.execute(f"select sum(net_sales), count(*) from '{folder}/{name}-*.parquet'").fetchall()
    assert rows == built.query("select sum(net_sales), count(*) from mart_sales.sales_performance")
    personal = {"customer_segmentation_features": {"age"}}
    for table, each in written.items():
        family = next(place for place in files if place.endswith(f"/{table.split('.')[1]}/{SCHEMA_FILE}"))
        schema = json.loads(files[family].read_text())
        names = [column["name"] for column in schema["columns"]]
        assert all(column["description"] for column in schema["columns"]), table
        # The grain begins with the day that the months are of, if there is one.
        if schema["month_of"] and table.startswith("mart_"):
            assert schema["month_of"] in names[:3], table
        missing = {*built.columns(table)} - {*names}
        assert missing == {*schema["left_out_as_personal"]} >= personal.get(table.split(".")[1], set()), table
        for path in files[family].parent.glob("*.parquet"):
            assert parquet.read_schema(path).names == names
        assert each.rows == sum(
            parquet.read_metadata(path).num_rows for path in files[family].parent.glob("*.parquet")
        )
    # A dimension is one file, whatever days it has.
    assert {"metrics/wh_dim_product/wh_dim_product.parquet"} == {
        place for place in files if place.startswith("metrics/wh_dim_product/") and place.endswith(".parquet")
    }
    assert "metrics/wh_fact_sales/wh_fact_sales-2024-03.parquet" in files
    # The same again writes nothing.
    before = {name: path.stat().st_mtime_ns for name, path in files.items()}
    assert not [each for each in write().values() if each.rewritten or each.removed]
    assert {name: path.stat().st_mtime_ns for name, path in _files(folder).items()} == before
    both = write("segmentation", extracts_personal=True)
    assert both["mart_segmentation.customer_segmentation_features"].rewritten


def test_only_months_that_changed_are_written(settings, write, tmp_path):
    write("sales")
    with duckdb.connect(settings.published_path) as connection:
        connection.execute(
            "update mart_sales.sales_performance set net_sales = net_sales + 0.000001"
            " where sales_date = date '2024-04-02'"
        )
        connection.execute("delete from mart_sales.product_demand where sales_date < date '2024-04-01'")
    unfinished = tmp_path / "files/sales/product_demand/.unfinished-by-a-killed-process"
    (unfinished / "rows").mkdir(parents=True)
    again = {table: (each.rewritten, each.removed) for table, each in write("sales").items()}
    assert again == {
        "mart_sales.customer_analysis": ([], []),
        "mart_sales.discount_impact": ([], []),
        "mart_sales.product_demand": ([], ["product_demand-2024-03.parquet"]),
        "mart_sales.sales_performance": (["2024-04"], []),
    }
    assert not unfinished.exists()
    # What somebody took away comes back.
    (tmp_path / "files/sales/sales_performance/sales_performance-2024-03.parquet").unlink()
    assert write("sales")["mart_sales.sales_performance"].rewritten == ["2024-03"]


@fault(
    Area.PUBLISHING,
    "A run is killed while it writes an extract",
    "The former file stays; the next run replaces it.",
)
def test_a_reader_sees_the_former_file_until_the_new_one_is_whole(settings, write, tmp_path, monkeypatch):
    write("marketing")
    path = tmp_path / "files/marketing/mrt_offers/mrt_offers-2024-03.parquet"
    before = path.read_bytes()
    with duckdb.connect(settings.published_path) as connection:
        connection.execute("update mart_marketing.mrt_offers set orders_so_far = orders_so_far + 1")

    def killed(_rows, _name, _format, unfinished):
        unfinished.write_bytes(b"half a file")
        assert path.read_bytes() == before
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(written_tables, "_make", killed)
        with pytest.raises(KeyboardInterrupt):
            write("marketing")
    assert path.read_bytes() == before
    write("marketing")
    assert path.read_bytes() != before


def test_spreadsheets_and_buckets(settings, write, built):
    bucket = "memory://extracts-of-tests/shop"
    write("marketing", extracts_folder=bucket, extracts_formats="csv, xlsx")
    files = fsspec.filesystem("memory")
    place = "/extracts-of-tests/shop/marketing/mrt_media_channels"
    spend = built.query(
        "select sum(spend), count(*) from mart_marketing.mrt_media_channels"
        " where activity_date < date '2024-04-01'"
    )
    with files.open(f"{place}/mrt_media_channels-2024-03.csv", "r") as file:
        rows = list(csv.DictReader(file))
    assert [(sum(Decimal(row["spend"]) for row in rows if row["spend"]), len(rows))] == spend
    with (
        files.open(f"{place}/mrt_media_channels-2024-03.xlsx", "rb") as file,
        ZipFile(file).open("xl/worksheets/sheet1.xml") as sheet,
    ):
        assert sheet.read().count(b"<row ") == len(rows) + 1
    assert not write("marketing", extracts_folder=bucket)["mart_marketing.mrt_offers"].problems


def test_files_of_a_format_that_is_not_named_any_more_are_told(settings, tmp_path):
    for formats, told in (
        ("csv", ""),
        ("", "mart_marketing.mrt_offers: 2 csv removed, of a month or format"),
    ):
        out = Console(record=True, width=200, file=StringIO())
        assert extract(out, settings.model_copy(update={"extracts_formats": formats}), "", ["marketing"])
        assert told in out.export_text()
    assert not [*tmp_path.rglob("*.csv")]


def test_a_cell_of_text_is_no_formula_and_no_xml(tmp_path):
    texts = ["=1+1", "+1", "-1", "@a", "<b>&\x00", "<r></r></is></c><c><f>1</f></c><r></r>"]
    numbers = [Decimal("1.50"), Decimal("123456789012.345"), Decimal("1234567890123.123456"), *[None] * 3]
    days = [date(2024, 2, 29), *[None] * 5]
    table = pa.table({"text": texts, "number": numbers, "day": days})
    write_workbook(table, "a name that is longer than sheets' names may be", tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.xlsx"]
    with ZipFile(tmp_path / "a.xlsx") as file:
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
    cells = [(each.get("t"), "".join(each.itertext())) for each in sheet.iterfind(".//{*}c")]
    assert {kind for kind, _ in cells} == {"inlineStr", None}
    assert not sheet.findall(".//{*}f")
    written = ["text", "number", "day", *texts[:4], "<b>&", f" {texts[5]}"]
    assert [text for kind, text in cells if kind] == written
    # Programs read 15 digits; what is longer is rounded. A day is a number, of days since 1900.
    read = [Decimal(text) for kind, text in cells if not kind]
    assert read == [numbers[0], 45351, numbers[1], Decimal("1234567890123.123")]


def test_a_sheet_can_be_read(tmp_path):
    """The heading stays in sight and filters, and a column is as wide as what is in it, within reason."""
    table = pa.table(
        {
            "name": ["Touring tyre, 28 inches, black", "x" * 400],
            "a_long_heading": [Decimal("12.340000"), None],
            "at": [datetime(2024, 2, 29, 13, 5, tzinfo=UTC), None],
        }
    )
    write_workbook(table, "tyres", tmp_path / "a.xlsx")
    write_workbook(table.slice(0, 0), "none", tmp_path / "b.xlsx")
    for name, widths in (("a", [50, 17, 16]), ("b", [7, 17, 5])):
        with ZipFile(tmp_path / f"{name}.xlsx") as file:
            sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
            styles = file.read("xl/styles.xml")
        (pane,) = sheet.iterfind(".//{*}pane")
        assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
        (filtered,) = sheet.iterfind("{*}autoFilter")
        assert filtered.get("ref") == {"a": "A1:C3", "b": "A1:C1"}[name]
        # Excel adds some pixels for its margins.
        assert [math.floor(float(each.attrib["width"])) for each in sheet.iterfind(".//{*}col")] == widths
        assert b"<b/>" in styles


def test_runs_write_pages_and_extracts(settings, tmp_path):
    settings = settings.model_copy(update={"dashboards_folder": str(tmp_path / "pages")})
    steps = {
        step.op.name: step
        for step in definitions_of(settings).assets or ()
        if isinstance(step, dg.AssetsDefinition)
        and {key.path[0] for key in step.keys} <= {"dashboards", "extracts"}
    }
    partition = {"dashboards": NEW_DAYS[-1], "extracts": NEW_DAYS[-1]}
    with dg.instance_for_test() as instance:
        for name, step in steps.items():
            result = dg.materialize(
                [step],
                instance=instance,
                resources={"warehouse": warehouse_of(settings)},
                partition_key=str(partition.get(name, WEEKS[-1])),
            )
            assert all(each.passed for each in result.get_asset_check_evaluations()), name
            assert {each.asset_key for each in result.asset_materializations_for_node(name)} == step.keys
    assert len(steps) == 4
    assert "<h1>Sales</h1>" in (tmp_path / "pages/sales.html").read_text()
    assert (tmp_path / "pages/index.html").exists()
    assert (tmp_path / "files/segmentation/customer_segments/customer_segments-2024-04.parquet").exists()
    # A page whose mart has lost a column is wrong, and no other.
    with duckdb.connect(settings.published_path) as connection:
        connection.execute("alter table mart_sales.sales_performance drop column gross_sales")
    result = dg.materialize(
        [steps["dashboards"]],
        resources={"warehouse": warehouse_of(settings)},
        partition_key=str(NEW_DAYS[-1]),
    )
    wrong = {
        each.asset_key.path[-1]: each.description
        for each in result.get_asset_check_evaluations()
        if not each.passed
    }
    assert list(wrong) == ["sales"]
    assert "gross_sales" in str(wrong["sales"])
