"""The shipped pages, and what is said of one that cannot be read."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlglot

from retail_assets.catalog.presence import table_of
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.answers import ask, content, rendered, tables_of
from retail_assets.dashboards.pages import FOLDER, PageError, read_pages
from retail_assets.dashboards.period import Choice
from retail_assets.dashboards.site import site_of
from retail_assets.resources.warehouse import warehouse_of
from retail_assets_tests.conftest import NEW_DAYS
from retail_assets_tests.laws.engine_sql import judged_differently

PAGES = read_pages(PROJECT_DIR)
BY_NAME = {page.name: page for page in PAGES}
LAST_WEEK = Choice(NEW_DAYS[-1] - timedelta(days=6), NEW_DAYS[-1])


@pytest.fixture(scope="module")
def query(built):
    with warehouse_of(built.settings).reading() as reading:
        yield reading


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_query_of_a_page_can_be_answered(page, built, query):
    shown = content(page, {}, query, warehouse_of(built.settings).comments_query)
    assert shown.choice.last == NEW_DAYS[-1]
    assert not shown.figures_answer or not shown.figures_answer.problem
    for figure in shown.figures:
        assert shown.figures_answer
        assert figure.figure.column in shown.figures_answer.columns
    for chart, answer in shown.charts:
        assert not answer.problem, (chart.title, answer.problem)
        named = {chart.x, chart.series, *chart.y} - {""}
        assert named <= {*answer.columns}, chart.title
        assert {*chart.formats} <= {*answer.columns} | {"discount"}, chart.title
    # Something is seen: these are days with sales, stock, campaigns and segments. No record is old enough.
    assert page.name == "records" or any(answer.rows for _, answer in shown.charts)
    assert shown.descriptions or page.name == "quality"
    written = site_of(built.settings, PAGES, is_served=True).page(shown)
    # The tables that Python makes have no state.
    assert ("As of <time>" in written) == bool(shown.states)
    assert "has been built" not in written
    assert written.count('class="plot"') == sum(
        chart.kind != "table" and bool(answer.rows) for chart, answer in shown.charts
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_reads_models_of_the_project(page, manifest):
    models = {table_of(manifest, each) for each, node in manifest["nodes"].items()}
    assert tables_of(page)
    weekly = re.compile(r"mart_(segmentation|lifetime_value|recommendations|demand|prices)\.")
    assert {table for table in tables_of(page) if not weekly.match(table)} <= models


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_query_is_sql_of_both_engines(page):
    for sql in (*page.queries, *(each.options for each in page.filters.values())):
        written = rendered(sql, page, LAST_WEEK)
        assert "interval" not in written, "Days are added otherwise on each engine: use ago()."
        assert isinstance(sqlglot.parse_one(written, read="duckdb"), sqlglot.exp.Query)
        assert judged_differently(written) == []


def test_figures_are_those_of_the_mart(query):
    page = BY_NAME["sales"]
    assert page.figures
    ((net_sales, orders),) = _tuples(
        query(
            "select sum(net_sales), sum(orders) from mart_sales.sales_performance"
            f" where sales_date between date '{LAST_WEEK.first}' and date '{LAST_WEEK.last}'"
            " and sales_channel = 'webshop'"
        )
    )
    chosen = Choice(LAST_WEEK.first, LAST_WEEK.last, {"channel": ["webshop"]})
    (row,) = ask(page.figures.sql, page, chosen, query).rows
    assert (row["net_sales"], row["orders"]) == (net_sales, orders)
    by_day = ask(page.charts[0].sql, page, chosen, query).rows
    assert sum((each["net_sales"] for each in by_day), Decimal(0)) == net_sales
    assert {each["channel"] for each in by_day} == {"webshop"}


def test_days_that_the_warehouse_does_not_have_are_compared_with_nothing(query, built):
    comments = warehouse_of(built.settings).comments_query
    shown = content(BY_NAME["sales"], {}, query, comments)
    # The history is 40 days: 28 are shown, and of the 28 before them some are missing.
    assert {(each.before, each.year_before) for each in shown.figures} == {(None, None)}
    week = {"from": [str(LAST_WEEK.first)], "to": [str(LAST_WEEK.last)]}
    assert all(each.before is not None for each in content(BY_NAME["sales"], week, query, comments).figures)


def test_what_is_as_things_stand_is_compared_with_nothing(query, built):
    """Tables that are up to date, and rows that are held back, are not of any days: no change of 0%."""
    comments = warehouse_of(built.settings).comments_query
    week = {"from": [str(LAST_WEEK.first)], "to": [str(LAST_WEEK.last)]}
    assert {each.is_of_days for each in content(BY_NAME["sales"], week, query, comments).figures} == {True}
    shown = content(BY_NAME["quality"], week, query, comments).figures
    assert {(each.is_of_days, each.before, each.year_before) for each in shown} == {(False, None, None)}


def test_a_chosen_value_is_text_whatever_is_in_it():
    page = BY_NAME["sales"]
    chosen = Choice(LAST_WEEK.first, LAST_WEEK.last, {"channel": ["it's", "a\\' or true --"]})
    sql = rendered("select 1 where {{ among('channel') }}", page, chosen)
    assert sql == "select 1 where sales_channel in ('it''s', ('a' || chr(92) || ''' or true --'))"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: [", "is no YAML"),
        ("- a", "a page is a mapping with title"),
        ("{title: A, order: 1, description: d, owner: o, colour: red}", "colour: extra inputs"),
        (
            "{title: A, order: 1, description: d, owner: o, charts: [{title: B, kind: line, sql: s}]}",
            "'B' is a line, and lacks x or y",
        ),
    ],
)
def test_a_page_that_cannot_be_read_is_named(tmp_path, text, said):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "mine.yml").write_text(text)
    with pytest.raises(PageError, match=f"mine.yml.*{said}"):
        read_pages(tmp_path)


def test_a_query_that_names_no_filter_is_named():
    with pytest.raises(PageError, match=r"today\.yml has no filter colour"):
        rendered("{{ among('colour') }}", BY_NAME["today"], LAST_WEEK)
    with pytest.raises(PageError, match=r"today\.yml: 'dayz' is undefined"):
        rendered("{{ dayz('a') }}", BY_NAME["today"], LAST_WEEK)


def _tuples(table):
    return [tuple(row.values()) for row in table.to_pylist()]
