"""Law 7, as far as it goes yet: every model's two branches run against a Snowflake protocol server.

No rows are compared but those of lifetime values, recommendations and forecasts, which Python writes.
"""

import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import dbt.include.snowflake
import jinja2
import pytest
from dbt.adapters.snowflake.connections import SnowflakeConnectionManager
from dbt.adapters.sql.connections import SQLConnectionManager

from retail_assets import cli
from retail_assets.catalog.project import PROJECT_DIR, Project
from retail_assets.demand.plan import plan_days
from retail_assets.demand.weekly import run_week as forecast
from retail_assets.lifetime_value.catalog import COLUMNS, table
from retail_assets.lifetime_value.weekly import run_week
from retail_assets.recommendations.weekly import run_week as recommend
from retail_assets.resources.comments import SNOWFLAKE_COMMENTS, Description, missing_comments
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import settings
from retail_assets.transformation.runner import invoke
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window
from retail_assets_tests.demand.planted import TABLES as DEMAND_TABLES
from retail_assets_tests.demand.planted import Warehouse as PlantedDemand
from retail_assets_tests.lifetime_value.planted import Cohort, Warehouse, lives, monday
from retail_assets_tests.raw_tables import create_raw_tables_sql
from retail_assets_tests.recommendations.planted import TABLES as SALES_TABLES
from retail_assets_tests.recommendations.planted import Warehouse as PlantedSales
from retail_assets_tests.recommendations.planted import day
from retail_assets_tests.snowflake_stand_in import stand_in
from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

# Words that Snowflake takes for no name without quotes (its SQL reference: "Reserved & limited keywords");
# the stand-in takes them all.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    account all alter and any as between by case cast check column connect connection constraint
    create cross current current_date current_time current_timestamp current_user database delete
    distinct drop else exists false following for from full grant group gscluster having ilike in
    increment inner insert intersect into is issue join lateral left like localtime localtimestamp
    minus natural not null of on or order organization qualify regexp revoke right rlike row rows
    sample schema select set some start table tablesample then to trigger true try_cast union unique
    update using values view when whenever where with
    """,
    )
)
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
NAME = re.compile(r"\bas (\w+)\b|^(\w+) as \(", re.MULTILINE | re.IGNORECASE)


def names(sql: str) -> set[str]:
    """What a query names: columns, tables and common table expressions."""
    return {first or second for first, second in NAME.findall(COMMENT.sub("", sql).lower())}


def test_no_name_is_reserved():
    reserved = {path.stem: names(path.read_text()) & RESERVED for path in PROJECT_DIR.rglob("*.sql")}
    assert {stem: found for stem, found in reserved.items() if found} == {}


def test_a_reserved_name_is_found():
    sql = "with\n\nfollowing as (\n\n    select 1 as start -- as of\n)"
    assert names(sql) & RESERVED == {"following", "start"}


def test_no_double_slash():
    """It divides in DuckDB, and begins a comment in Snowflake and for the formatter: use `whole_quotient`."""
    assert [path.stem for path in PROJECT_DIR.rglob("*.sql") if "//" in path.read_text()] == []


@pytest.fixture(scope="module")
def snowflake(tmp_path_factory, parsed_on_snowflake):
    """The settings of a deployment on the stand-in. It is not made this process's."""
    folder = tmp_path_factory.mktemp("snowflake")
    shutil.copytree(parsed_on_snowflake, folder / "dbt")
    with stand_in(folder) as settings:
        yield settings


DAYS = [Window(datetime(2024, 1, day, tzinfo=UTC), datetime(2024, 1, day + 1, tzinfo=UTC)) for day in (1, 2)]

MODELS = ("--resource-type", "model")


@pytest.fixture
def statements(monkeypatch):
    """What is sent by an adapter of dbt, as it is sent."""
    sent = []
    send = SQLConnectionManager.add_query

    def add_query(self, sql, *rest, **options):
        sent.append(sql)
        return send(self, sql, *rest, **options)

    monkeypatch.setattr(SQLConnectionManager, "add_query", add_query)
    return sent


def empty_statements(sent):
    """Of those that were sent, what has a statement of nothing in it: two semicolons with nothing between."""
    return [sql for sql in sent if EMPTY.search(COMMENT_OR_TEXT.sub(" ", sql))]


COMMENT_OR_TEXT = re.compile(r"/\*.*?\*/|--[^\n]*|'[^']*'", re.DOTALL)
EMPTY = re.compile(r"(^|;)\s*;")


def test_an_empty_statement_is_found():
    assert empty_statements(["/* c; */\n;", "a; ;", "select ';;'; -- ;;", "a;\nb;\n"]) == [
        "/* c; */\n;",
        "a; ;",
    ]


class ReturnedError(Exception):
    """How a macro of dbt returns a value."""


def macro(path, name, **known):
    """A macro as a function, without dbt."""

    def returned(value):
        raise ReturnedError(value)

    written = re.search(rf"{{% macro {name}\(.*?{{%-? endmacro %}}", path.read_text(), re.DOTALL)
    assert written is not None
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    found = getattr(environment.from_string(written[0], globals={"return": returned, **known}).module, name)

    def call(*arguments):
        try:
            return found(*arguments)
        except ReturnedError as value:
            return value.args[0]

    return call


def test_a_replacement_is_one_transaction_of_two_statements():
    theirs = Path(dbt.include.snowflake.__file__).parent / "macros" / "adapters.sql"
    transaction = macro(theirs, "snowflake_dml_explicit_transaction")
    replaced = macro(
        PROJECT_DIR / "macros" / "strategies.sql",
        "snowflake__in_one_transaction",
        snowflake_dml_explicit_transaction=transaction,
    )("delete from a", "insert into a select 1")
    sent = [" ".join(part.split()) for part in SnowflakeConnectionManager._split_queries(replaced)]
    assert sent == ["begin;", "delete from a;", "insert into a select 1;", "commit;"]


def test_every_model_builds_on_snowflake(snowflake, manifest, statements):
    """A first build and an increment, on empty, typed raw tables; and no empty statement is sent."""
    warehouse = warehouse_of(snowflake)
    warehouse.execute(f"create database if not exists {snowflake.snowflake_database}")
    for statement in create_raw_tables_sql(manifest):
        warehouse.execute(statement)
    # The checks are the same for both branches.
    for window, selection in zip(DAYS, ((), MODELS), strict=True):
        list(invoke(Project(snowflake), build_arguments(window, "Europe/Berlin", selection=selection)))
    assert warehouse.query("select count(*) as n from warehouse.fact_sales").to_pylist() == [{"n": 0}]
    _assert_described(warehouse)
    assert any("delete from" in sql for sql in statements)
    assert empty_statements(statements) == []


def test_no_empty_statement_is_sent_to_duckdb(tmp_path, parsed_project, statements):
    raw = DbtOnRaw(tmp_path, parsed_project)
    assert raw.settings.warehouse == "duckdb"
    for window in DAYS:
        raw.dbt(*build_arguments(window, "Europe/Berlin", selection=MODELS))
    assert any("delete from" in sql for sql in statements)
    assert empty_statements(statements) == []


def test_a_wrong_query_is_a_sentence(snowflake, capsys, monkeypatch):
    """Of the command line, on Snowflake."""
    for name in ("account", "user", "host", "port", "protocol"):
        monkeypatch.setenv(f"RETAIL_SNOWFLAKE_{name.upper()}", str(getattr(snowflake, f"snowflake_{name}")))
    monkeypatch.setenv("RETAIL_SNOWFLAKE_PASSWORD", "password")
    monkeypatch.setenv("RETAIL_WAREHOUSE", "snowflake")
    monkeypatch.setenv("RETAIL_HOME", str(snowflake.home))
    settings.cache_clear()
    monkeypatch.setattr(sys, "argv", ["retail-assets", "sql", "select colour from (select 1 as size)"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Snowflake cannot answer: ")
    assert "colour" in said.lower()
    assert "Traceback" not in said


def test_lifetime_values_are_the_same_on_snowflake(snowflake):
    """The statements that Python writes: rows of numbers go in and out, and the tables have the same rows."""
    here = Warehouse([Cohort(lives(200, 7 * 60, 5))])
    here.add(46, 59)
    here.run(46, 59)
    types = {name: kind.lower() for name, kind, *_ in here.execute("describe purchases")}
    rows = here.execute.read(
        f"select {', '.join(f'cast({name} as varchar) as {name}' for name in types)} from purchases"
    )
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    with warehouse.session() as session:
        session("create schema if not exists mart_lifetime_value")
        with session.holding("mart_lifetime_value.given", rows) as held:
            cast = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
            session(f"create table mart_lifetime_value.purchases as select {cast} from {held}")
        for week in (46, 59):
            run_week(session, monday(week), "mart_lifetime_value.purchases")
        for name in COLUMNS:
            assert sorted(map(str, session(f"select * from {table(name)}"))) == sorted(
                map(str, here.execute(f"select * from {table(name)}"))
            ), name
            assert session(f"select count(*) from {table(name)}") != [(0,)]


def test_recommendations_are_the_same_on_snowflake(snowflake):
    """The statements that Python writes, over the same rows of the warehouse."""
    here = PlantedSales()
    here.add("wh_dim_location", [("oregon", "state", "United States", "Oregon", 44.0)])
    people = [f"c{number}" for number in range(12)]
    here.know(*people)
    for week in (0, 1):
        here.popular(week, {"tent": 40, "lamp": 30, "mug": 20, "pan": 10, "hose": 5}, ["pan"])
        here.near(week, ("tent", "hose", 30, 9.5), ("lamp", "hose", 4, 1.25), ("mug", "lamp", 3, 1.5))
        here.add("product_shortages", [(day(week), "mug", "oregon")])
    here.sell(*((who, "tent", day(-number, 1)) for number, who in enumerate(people)))
    here.sell(
        *((who, "lamp", day(0, 2)) for who in people[::2]), *((who, "tent", day(1)) for who in people[::3])
    )
    here.sell(*((who, "hose", day(1, 3)) for who in people[::4]), (people[0], "mug", day(0)))
    here.add("wh_fact_sales_returns", [(people[1], "tent", day(0, 5))])
    here.run(0, 1)
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    with warehouse.session() as session:
        _bring(here.execute, session, SALES_TABLES)
        for week in (0, 1):
            recommend(session, day(week), 5)
        for name in here.rows():
            rows = session(f"select * from mart_recommendations.{name}")
            assert sorted(map(str, rows)) == sorted(map(str, here.rows()[name])), name
            assert len(rows) > 4
        # Other tests build the models here.
        for name in (*SALES_TABLES, *(f"mart_recommendations.{each}" for each in here.rows())):
            session(f"drop table {name}")


def test_forecasts_of_demand_are_the_same_on_snowflake(snowflake):
    """The statements that Python writes, over the same rows of the warehouse."""
    here = PlantedDemand()
    wave = [9, 7, 4, 2, 1, 0, 0, 3, 6, 8]
    pieces = {name: [piece * size for piece in wave * 12] for size, name in enumerate("abcd", 1)}
    for name, each in pieces.items():
        here.leave(name, each, last=1)
    here.leave("late", [2, None, 3, 5], last=1, days=5)
    here.add("wh_fact_product_days", [(day(-week, 2), "sold", week % 5) for week in range(-1, 30)])
    for week in (0, 1):
        here.list_series(week, dict.fromkeys(pieces, -118), "old")
        here.list_series(week, {"late": -2}, "new")
        here.list_series(week, {"sold": -30}, "old", place="0" * 32)
    here.know(*pieces, centers=("here", "there"))
    for number, name in enumerate(pieces):
        here.stock("here", name, 40 * number, day(1), day(1, 1))
        for week in range(-9, -3):
            received = day(week + 1, number + week % 3)
            here.order(name, day(week), received, 12, expected=day(week + 1))
    here.order("a", day(0, 3), None, 12, "ordered")
    here.order("b", day(0, 3), None, 12, "cancelled", changed=day(1, 4))
    here.run(0, 1)
    assert plan_days(here.execute, day(1), day(1, 1)) == 2 * len(pieces)
    planned = "select * from mart_demand.replenishment_plan"
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    with warehouse.session() as session:
        _bring(here.execute, session, DEMAND_TABLES)
        for week in (0, 1):
            forecast(session, day(week))
        plan_days(session, day(1), day(1, 1))
        for name in here.rows():
            rows = session(f"select * from mart_demand.{name}")
            assert sorted(map(str, rows)) == sorted(map(str, here.rows()[name])), name
            assert len(rows) > 2 or name == "replenishment_replay"
        assert sorted(map(str, session(planned))) == sorted(map(str, here.execute(planned)))
        # Other tests build the models here.
        made = (*here.rows(), "replenishment_plan")
        for name in (*DEMAND_TABLES, *(f"mart_demand.{each}" for each in made)):
            session(f"drop table {name}")


def _bring(here, session, tables):
    """Make the same tables there, with the rows from here."""
    for schema in {name.split(".")[0] for name in tables}:
        session(f"create schema if not exists {schema}")
    for name, columns in tables.items():
        rows = here.read(
            f"select {', '.join(f'cast({each} as varchar) as {each}' for each in columns)} from {name}"
        )
        cast = ", ".join(f"cast({each} as {kind}) as {each}" for each, kind in columns.items())
        session(f"drop table if exists {name}")
        with session.holding(f"{name}_given", rows) as held:
            session(f"create table {name} as select {cast} from {held}")


def _assert_described(warehouse):
    """A table's description is written where it differs, and then found.

    The stand-in does not keep columns' comments as dbt-snowflake's own statement writes them, which is ours
    too, and takes no apostrophe in a table's.
    """
    described = [Description("mart_sales", "product_demand", False, "Grain: a day and product.", {})]
    with warehouse.session() as execute:
        for missing in ([{None: "Grain: a day and product."}], []):
            found = missing_comments(described, execute(SNOWFLAKE_COMMENTS))
            assert [texts for _, texts in found] == missing
            warehouse.comment(described, execute)
