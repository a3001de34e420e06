"""What to reorder, for people: on the screen, and as CSV."""

import io
from datetime import date

import pytest
from rich.console import Console
from typer.testing import CliRunner

from retail_assets.cli.app import app
from retail_assets.demand.plan import plan_days
from retail_assets.demand.plan_catalog import PLAN_TABLES
from retail_assets.demand.reading import reorder, show
from retail_assets.resources.tables import as_texts
from retail_assets.resources.warehouse import WarehouseError
from retail_assets_tests.demand.planted import Warehouse
from retail_assets_tests.planted import day

MONDAY = day(1)


@pytest.fixture(scope="module")
def warehouse():
    """Of the tent five pieces are left here, and of the lamp, whose name is a formula, enough."""
    warehouse = Warehouse()
    for product, pieces in {"tent": 14, "lamp": 7}.items():
        warehouse.leave(product, [pieces] * 5)
        warehouse.stock("here", product, 5 if product == "tent" else 60, MONDAY)
    warehouse.list_series(0, {"tent": -4, "lamp": -4})
    warehouse.know("tent", "lamp", centers=("here", "there"))
    warehouse.execute("update warehouse.wh_dim_product set product = '=1+1' where product_key = 'tent'")
    warehouse.run(0)
    plan_days(warehouse.execute, MONDAY, MONDAY)
    return warehouse


def test_the_list_is_printed_with_reasons_and_the_record(warehouse):
    output = io.StringIO()
    show(Console(file=output, width=200), warehouse.execute.read, "center HERE", None)
    said = output.getvalue()
    assert said.startswith(f"What to order, as of the end of {MONDAY}")
    assert "=1+1" in said
    assert "5 in stock and 0 on order are no more than the " in said
    assert "lamp" not in said
    assert "1 of 2 products of centers are to be ordered" in said
    assert said.endswith("Record: none yet; no forecast is a week old.\n")


def test_a_spreadsheet_computes_nothing_of_the_file(warehouse):
    found = reorder(warehouse.execute.read, "", date.fromisoformat(MONDAY))
    assert as_texts(found.rows)["product"].to_pylist() == ["'=1+1"]
    assert found.rows["order_value"].to_pylist() == [2 * found.rows["order_quantity"][0].as_py()]


def test_a_center_with_nothing_to_order_says_so(warehouse):
    found = reorder(warehouse.execute.read, "2", None)
    assert found.summary.startswith("0 of 0 products of centers are to be ordered")


def test_what_is_not_there_is_a_sentence(warehouse):
    with pytest.raises(WarehouseError, match=r"is called Nowhere\. There are: Center here, Center there"):
        reorder(warehouse.execute.read, "Nowhere", None)
    with pytest.raises(WarehouseError, match=rf"has no plan\. The first day that has one is {MONDAY}"):
        reorder(warehouse.execute.read, "", date(2024, 1, 1))
    empty = Warehouse()
    for _ in range(2):
        with pytest.raises(WarehouseError, match="No day has a plan yet"):
            reorder(empty.execute.read, "", None)
        PLAN_TABLES.create(empty.execute)


def test_the_command_is_there():
    told = CliRunner().invoke(app, ["reorder", "--help"])
    assert told.exit_code == 0
    assert "export" in told.output
