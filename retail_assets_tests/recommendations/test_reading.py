"""What is recommended, for people: a consumer's lists on the screen, and all of them for a mail tool."""

import io
from datetime import date

import pyarrow as pa
import pyarrow.csv
import pytest
from rich.console import Console
from typer.testing import CliRunner

from retail_assets.cli.app import app
from retail_assets.recommendations.reading import mailing, show
from retail_assets.resources.tables import as_texts
from retail_assets.resources.warehouse import WarehouseError
from retail_assets_tests.planted import day
from retail_assets_tests.recommendations.planted import Warehouse

FEW = {"tent": 40, "lamp": 30, "mug": 20}


@pytest.fixture
def warehouse():
    """Ann agreed, Bob opted out, the CRM does not know Eve; all buy a tent, and a week later Ann a lamp."""
    warehouse = Warehouse()
    for week in (0, 1):
        warehouse.popular(week, FEW)
    warehouse.add("wh_dim_product", [(name, f"The {name}", name.upper()) for name in ("tent", "lamp")])
    warehouse.add("wh_dim_product", [("mug", "=HYPERLINK(1)", "-MUG")])
    warehouse.know("ann")
    warehouse.know("bob", opt_in=False)
    warehouse.know("eve", opt_in=None)
    warehouse.sell(
        *((who, "tent", "2024-05-10") for who in ("ann", "bob", "eve")), ("ann", "lamp", day(1, 5))
    )
    warehouse.run(0, 1)
    return warehouse


def shown(warehouse, consumer, week=None):
    output = io.StringIO()
    show(Console(file=output, width=200), warehouse.execute.read, consumer, week)
    return output.getvalue()


def test_a_consumer_is_shown_with_reasons_and_the_record(warehouse):
    said = shown(warehouse, " Ann@Example.com")
    assert said == shown(warehouse, "ann")
    assert [line.rstrip() for line in said.splitlines()] == [
        "Recommendations for ann, week of 2024-05-13",
        "Agreed to marketing.",
        "",
        "Buy again",
        "    1  The tent: bought once, 10 days ago",
        "    2  The lamp: bought once, 2 days ago",
        "   Record: none yet; nothing was recommended a week before.",
        "",
        "New to you",
        "    1  =HYPERLINK(1): bought by 20 consumers in the last 4 weeks",
        "   Record: As good as popularity: NDCG at 10 1.0000 against 1.0000.",
    ]


def test_an_earlier_week_is_as_it_was(warehouse):
    said = shown(warehouse, "ann", date(2024, 5, 12))
    assert "week of 2024-05-06" in said
    assert "The tent: bought once, 3 days ago" in said
    assert "The lamp: bought by 30 consumers" in said


def test_who_opted_out_is_marked(warehouse):
    assert "Opted out of marketing: not to be written to." in shown(warehouse, "bob")
    assert "The CRM does not know whether they agreed" in shown(warehouse, "eve")


def test_who_has_bought_nothing_and_who_is_not_known(warehouse):
    warehouse.know("new")
    assert "Nothing is recommended: nothing was bought" in shown(warehouse, "new")
    with pytest.raises(WarehouseError, match=r"No consumer has the e-mail address o'x@y\.z"):
        shown(warehouse, "o'x@y.z")
    with pytest.raises(WarehouseError, match="No consumer has the key nobody"):
        shown(warehouse, "nobody")


def test_no_week_and_another_week_are_said(warehouse):
    with pytest.raises(
        WarehouseError, match="The first week that has some is 2024-05-06, the last 2024-05-13"
    ):
        shown(warehouse, "ann", date(2024, 6, 1))
    with pytest.raises(WarehouseError, match="No week has recommendations yet"):
        shown(Warehouse(), "ann")


def csv(table):
    into = io.BytesIO()
    pyarrow.csv.write_csv(table, into)
    return into.getvalue()


def test_the_mailing_has_who_agreed_and_the_same_bytes_twice(warehouse):
    found = mailing(warehouse.execute.read, 2, None)
    assert found.summary.startswith("1 of the 3 consumers who have recommendations in the week of 2024-05-13")
    assert csv(found.consumers) == csv(mailing(warehouse.execute.read, 2, None).consumers)
    (row,) = found.consumers.to_pylist()
    assert row == {
        "consumer_key": "ann",
        "email": "ann@example.com",
        "buy_again_1": "The tent",
        "buy_again_1_number": "TENT",
        "buy_again_1_reason": "bought once, 10 days ago",
        "buy_again_2": "The lamp",
        "buy_again_2_number": "LAMP",
        "buy_again_2_reason": "bought once, 2 days ago",
        "new_to_you_1": "'=HYPERLINK(1)",
        "new_to_you_1_number": "'-MUG",
        "new_to_you_1_reason": "bought by 20 consumers in the last 4 weeks",
        "new_to_you_2": None,
        "new_to_you_2_number": None,
        "new_to_you_2_reason": None,
    }


def test_who_opted_out_since_is_not_written_to(warehouse):
    warehouse.execute(
        "update warehouse.wh_dim_consumer set marketing_opt_in = false where consumer_key = 'ann'"
    )
    with pytest.raises(WarehouseError, match="Nobody of the 3 consumers"):
        mailing(warehouse.execute.read, 3, None)


@pytest.fixture
def command(warehouse, monkeypatch):
    """Runs `retail-assets recommend` on this warehouse."""
    warehouse.query = warehouse.execute.read
    monkeypatch.setattr("retail_assets.resources.warehouse.warehouse_of", lambda settings: warehouse)
    return lambda *arguments: CliRunner().invoke(app, ["recommend", *arguments])


@pytest.mark.parametrize(
    "arguments", [("--week", "2024-05-08", "export"), ("export", "--week", "2024-05-08", "--products", "3")]
)
def test_the_command_exports_the_same_bytes_twice(command, arguments):
    result = command(*arguments)
    assert result.exit_code == 0
    assert result.stdout_bytes == command(*arguments).stdout_bytes
    heading, *rows = result.stdout.splitlines()
    assert heading.startswith(
        '"consumer_key","email","buy_again_1","buy_again_1_number","buy_again_1_reason"'
    )
    assert [row.split(",")[:3] for row in rows] == [['"ann"', '"ann@example.com"', '"The tent"']]
    assert "week of 2024-05-06" in result.stderr


def test_the_command_asks_for_whom(command):
    result = command()
    assert result.exit_code == 2
    assert "--consumer EMAIL" in result.stderr


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@A1", "\t=1", " =1", "\r1", "\n=1"])
def test_no_cell_is_a_formula(cell):
    table = pa.table({"text": [cell, "a=1", None], "number": [-1, 2, 3]})
    assert as_texts(table).to_pylist() == [
        {"text": f"'{cell}", "number": -1},
        {"text": "a=1", "number": 2},
        {"text": None, "number": 3},
    ]
