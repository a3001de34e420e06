"""Metrics: a figure by its name is the marts' figure, however it is grouped."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import sqlglot
from typer.testing import CliRunner

from retail_assets.cli.app import app
from retail_assets.errors import UserError
from retail_assets.metrics.layer import PERIODS, Layer, Question
from retail_assets.settings import Settings, settings
from retail_assets_tests.conftest import DAYS, START, Deployment

DAY = START + timedelta(days=20)
LAST = START + timedelta(days=DAYS - 1)

# What is asked for, and the mart's query of the same rows.
AS_THE_MARTS: list[tuple[Question, str]] = [
    (
        Question(["gross_sales", "discounts", "revenue", "cost", "quantity"], ["day", "sales_channel"]),
        "select sales_date, sales_channel, sum(gross_sales), sum(discount_amount), sum(net_sales), sum(cost),"
        " sum(quantity) from mart_sales.sales_performance where orders > 0 group by all order by all",
    ),
    (
        Question(["orders", "margin", "costed_revenue"], ["day"]),
        "select sales_date, sum(orders), sum(margin), sum(net_sales - uncosted_net_sales)"
        " from mart_sales.sales_performance where orders > 0 group by all order by all",
    ),
    (
        Question(["refunds", "returned_quantity"], ["day", "sales_channel"]),
        "select sales_date, sales_channel, sum(refund_amount), sum(returned_quantity)"
        " from mart_sales.sales_performance where returned_quantity > 0 group by all order by all",
    ),
    (
        Question(["revenue", "quantity"], ["month", "category"]),
        "select date_trunc('month', sales_date)::date, category, sum(net_sales), sum(quantity)"
        " from mart_analyst.mrt_product_analysis where orders > 0 group by all order by all",
    ),
    (
        Question(["net_revenue"], ["product_number"], START, DAY),
        "select product_number, sum(net_sales) - sum(refund_amount) from mart_analyst.mrt_product_analysis"
        f" where sales_date <= '{DAY}' group by all order by all",
    ),
    (
        Question(["customers"], ["month"]),
        "select date_trunc('month', sales_date)::date, count(distinct consumer_key)"
        " from mart_sales.customer_analysis where orders > 0 and consumer_key <> repeat('0', 32)"
        " group by all order by all",
    ),
    (
        Question(["orders"], ["territory_name"], where={"sales_channel": "online"}),
        "select nullif(territory, 'Unknown'), sum(orders) from mart_sales.sales_performance"
        " where sales_channel = 'online' and orders > 0 group by all order by all",
    ),
    (
        Question(["spend", "attributed_revenue", "attributed_orders", "clicks"], ["day", "media_channel"]),
        "select activity_date, media_channel_name, spend, linear_revenue, attributed_orders, clicks"
        " from mart_marketing.mrt_media_channels order by all",
    ),
    (
        Question(["stock_value", "quantity_on_hand"], ["day", "center_name"]),
        "select snapshot_date, location_name, sum(stock_value), sum(quantity_on_hand)"
        " from mart_analyst.mrt_inventory_analysis join warehouse.wh_dim_location using (location_key)"
        " group by all order by all",
    ),
    # A level is that of the last day, not the sum of all days.
    (
        Question(["stock_value"]),
        "select sum(stock_value) from mart_analyst.mrt_inventory_analysis"
        " where snapshot_date = (select max(snapshot_date) from mart_analyst.mrt_inventory_analysis)",
    ),
]


@pytest.fixture(scope="module")
def layer(built: Deployment) -> Layer:
    return Layer(built.settings)


@pytest.fixture
def published(built: Deployment) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(built.settings.published_path, read_only=True) as connection:
        yield connection


def ordered(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row])


@pytest.mark.parametrize(
    ("question", "mart"), AS_THE_MARTS, ids=lambda each: getattr(each, "metrics", [""])[0]
)
def test_figures_are_those_of_the_marts(layer, published, question, mart):
    found = published.execute(layer.sql(question)).fetchall()
    expected = published.execute(mart).fetchall()
    assert expected
    assert ordered([tuple(map(_comparable, row)) for row in found]) == ordered(
        [tuple(map(_comparable, row)) for row in expected]
    )


def _comparable(value: Any) -> Any:
    return value.normalize() + 0 if isinstance(value, Decimal) else value


def test_rates_are_rates_of_sums(layer, published):
    rates = {
        "average_order": ("revenue", "orders"),
        "margin_rate": ("margin", "costed_revenue"),
        "discount_rate": ("discounts", "gross_sales"),
        "return_rate": ("returned_quantity", "quantity"),
        "repeat_rate": ("repeat_orders", "known_orders"),
        "roas": ("attributed_revenue", "spend"),
        "cost_per_acquisition": ("spend", "attributed_orders"),
        "stock_out_rate": ("stock_out_days", "stocked_days"),
    }
    assert set(rates) == {each.name for each in layer.metrics.values() if each.is_ratio}
    for name, parts in rates.items():
        ((rate, above, below),) = published.execute(layer.sql(Question([name, *parts]))).fetchall()
        assert 0 < rate == pytest.approx(float(above) / float(below), abs=1e-6)


def test_repeat_orders_are_those_after_the_day_of_the_first(layer, published):
    found = published.execute(layer.sql(Question(["known_orders", "repeat_orders"]))).fetchall()
    bought = (
        "select distinct consumer_key, order_date, source_system || order_id as named"
        " from warehouse.wh_fact_sales where is_sale and consumer_key <> repeat('0', 32)"
    )
    expected = published.execute(
        f"with bought as ({bought}), firsts as (select consumer_key, min(order_date) as first from bought"
        " group by all) select count(distinct named), count(distinct named) filter (order_date > first)"
        " from bought join firsts using (consumer_key)"
    ).fetchall()
    assert found == expected
    assert 0 < found[0][1] < found[0][0]


def test_each_metric_can_be_asked_for_by_all_that_it_says(layer, published):
    for name in layer.metrics:
        by = [*PERIODS, *layer.dimensions([name])]
        assert published.execute(layer.sql(Question([name], by))).fetchone(), name


def test_a_value_is_a_value_whatever_is_in_it(layer, published):
    asked = Question(["revenue"], ["category"], where={"category": 'Men\'s "Hats" {{ 1 }}'})
    assert published.execute(layer.sql(asked)).fetchall() == []


def test_all_of_it_is_sql_for_snowflake(parsed_on_snowflake):
    layer = Layer(Settings(home=parsed_on_snowflake.parent, warehouse="snowflake"))
    for question, _ in AS_THE_MARTS:
        statement = sqlglot.parse_one(layer.sql(question), dialect="snowflake")
        assert {table.catalog for table in statement.find_all(sqlglot.exp.Table) if table.db} == {
            "RETAIL_LOCAL"
        }


def test_what_is_not_there_is_told(layer):
    with pytest.raises(UserError, match=r"no metric 'revenues'; did you mean `revenue`\?$"):
        layer.sql(Question(["revenues"]))
    with pytest.raises(UserError, match=r"cannot be shown by 'categories'; did you mean `category`\?$"):
        layer.sql(Question(["revenue"], ["categories"]))
    with pytest.raises(UserError, match=r"cannot be shown by 'media_channel'"):
        layer.sql(Question(["revenue", "spend"], ["media_channel"]))


def test_metrics_of_systems_that_are_not_taken_in_are_not_there(parsed_project):
    erp_alone = Layer(Settings(home=parsed_project.parent, sources="erp"))
    assert {"revenue", "return_rate"} <= erp_alone.metrics.keys()
    assert not {"spend", "roas", "stock_value"} & erp_alone.metrics.keys()
    with pytest.raises(UserError, match="needs marketing: add it to RETAIL_SOURCES"):
        erp_alone.sql(Question(["roas"]))


def test_the_calendar_has_each_day_once(published):
    rows = published.execute("select * from warehouse.wh_dim_date order by date_day").fetchall()
    days = [row[0] for row in rows]
    assert days == [date(1990, 1, 1) + timedelta(days=number) for number in range(len(days))]
    assert days[-1] == date(2059, 12, 31)
    for day, week, month, quarter, year in rows:
        assert week == day - timedelta(days=day.weekday())
        assert (month, year) == (day.replace(day=1), day.replace(month=1, day=1))
        assert quarter == day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def test_the_command(built, monkeypatch):
    for name, value in built.environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["metrics", *arguments])

    try:
        listed = [json.loads(line)["metric"] for line in run("--format", "json").stdout.splitlines()]
        assert {"revenue", "roas"} <= set(listed)
        known = [
            json.loads(line)["by"]
            for line in run("revenue", "--dimensions", "--format", "json").stdout.splitlines()
        ]
        assert {"day", "category", "sales_channel"} <= set(known)
        asked = ["revenue", "orders", "--by", "day,sales_channel", "--from", f"{DAY}", "--to", f"{DAY}"]
        rows = [json.loads(line) for line in run(*asked, "--format", "json").stdout.splitlines()]
        assert {row["day"] for row in rows} == {str(DAY)}
        statement = run(*asked, "--sql").stdout
        with duckdb.connect(built.settings.published_path, read_only=True) as connection:
            assert len(connection.execute(statement).fetchall()) == len(rows) > 1
        assert "before the first" in str(
            run("revenue", "--from", "2024-03-02", "--to", "2024-03-01").exception
        )
        assert "is no condition" in str(run("revenue", "--where", "Bikes").exception)
        # A value that nothing has is no zero, and days without figures are told from a shop that was closed.
        wrong = str(run("orders", "--where", "sales_channel=onlin").exception)
        assert wrong == "sales_channel has no value 'onlin' here; did you mean 'online'?"
        assert "There are: online, " in str(run("orders", "--where", "sales_channel=xyz").exception)
        empty = run("revenue", "--by", "day", "--from", "2020-01-01", "--to", "2020-01-31")
        assert f"only of {START} to {LAST}" in " ".join(empty.stderr.split())
    finally:
        settings.cache_clear()
