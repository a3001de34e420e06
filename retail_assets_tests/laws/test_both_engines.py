"""Law 7. On DuckDB and on an emulator of Snowflake, the same runs make the same rows.

The emulator computes with DuckDB. So what engines compute differently is looked for in the statements.
"""

import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dbt.include.snowflake
import duckdb
import jinja2
import pyarrow.parquet as pq
import pytest
from dbt.adapters.snowflake.connections import SnowflakeConnectionManager
from dbt.adapters.sql.connections import SQLConnectionManager

from retail_assets import cli
from retail_assets.catalog.contract import source_tables
from retail_assets.catalog.descriptions import descriptions
from retail_assets.catalog.exposures import EXTRACTS, exposures
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.demand.plan import plan_days
from retail_assets.demand.weekly import run_week as forecast
from retail_assets.extracts.writing import write_extracts
from retail_assets.ingestion.versions import stored_key
from retail_assets.lifetime_value.catalog import COLUMNS, table
from retail_assets.lifetime_value.weekly import run_week
from retail_assets.prices.weekly import run_week as estimate
from retail_assets.privacy.erasure import remaining
from retail_assets.recommendations.weekly import run_week as recommend
from retail_assets.resources.comments import SNOWFLAKE_COMMENTS, missing_comments
from retail_assets.resources.sessions import DuckDBSession
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import SYSTEMS, Settings, settings
from retail_assets.transformation.window import build_arguments
from retail_assets.verification.comparison import differences, tables_of
from retail_assets.windows import Window
from retail_assets_tests.conftest import NEW_DAYS, START, WEEKS, deployment_in, write_evening
from retail_assets_tests.demand.planted import TABLES as DEMAND_TABLES
from retail_assets_tests.demand.planted import Warehouse as PlantedDemand
from retail_assets_tests.laws.amendments import DELETED, MASTERS, amend
from retail_assets_tests.laws.engine_sql import judged_differently
from retail_assets_tests.lifetime_value.planted import Cohort, Warehouse, lives, monday
from retail_assets_tests.planted import day
from retail_assets_tests.prices.planted import Marketing
from retail_assets_tests.privacy import planted as planted_persons
from retail_assets_tests.recommendations.planted import TABLES as SALES_TABLES
from retail_assets_tests.recommendations.planted import Warehouse as PlantedSales
from retail_assets_tests.snowflake_stand_in import stand_in, statements_sent
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


def test_what_is_descending_says_where_nulls_are():
    """As it is found in statements by `engine_sql`, but before anything is run."""
    descending = re.compile(r"\bdesc\b(?!\s+nulls\s+last\b)", re.IGNORECASE)
    files = {path.stem: COMMENT.sub("", path.read_text()) for path in PROJECT_DIR.rglob("*.sql")}
    assert {stem for stem, sql in files.items() if descending.search(sql)} == set()


def test_key_columns_that_are_times_are_known(manifest):
    """`time_keys` in macros/staging.sql: their text is written differently by the engines."""
    times = {
        column.name
        for system in SYSTEMS
        for table in source_tables(manifest, system)
        for column in table.columns
        if column.name in table.primary_key and column.data_type == "timestamp"
    }
    named = re.search(
        r"time_keys\(\) -%} {{ return\((\[.*?\])\)", (PROJECT_DIR / "macros/staging.sql").read_text()
    )
    assert named
    assert times == set(json.loads(named[1]))


def test_a_time_in_a_key_is_the_same_text_on_both(manifest):
    """Snowflake writes six digits after the point, as the session says, and DuckDB none of the last zeros."""
    (table,) = (each for each in source_tables(manifest, "erp") if each.name == "product_cost_history")
    key = stored_key(table)
    written_there = key.replace("cast(start_date as varchar)", "written")
    for written in ("2013-05-30 00:00:00.000000", "2013-05-30 10:20:30.120000", "2013-05-30 10:20:30"):
        rows = f"(select 7 as product_id, '{written}' as written, timestamp '{written}' as start_date)"
        ((there, here),) = duckdb.execute(f"select {written_there}, {key} from {rows}").fetchall()
        assert there == here


@pytest.fixture(scope="module")
def snowflake(tmp_path_factory, parsed_on_snowflake):
    """The settings of a deployment on the stand-in. It is not made this process's."""
    folder = tmp_path_factory.mktemp("snowflake")
    shutil.copytree(parsed_on_snowflake, folder / "dbt")
    with stand_in(folder) as settings:
        yield settings


DAYS = [Window(datetime(2024, 1, day, tzinfo=UTC), datetime(2024, 1, day + 1, tzinfo=UTC)) for day in (1, 2)]

MODELS = ("--resource-type", "model")
# What of an emulator's settings makes a deployment's.
ON_SNOWFLAKE = {"warehouse", *(name for name in Settings.model_fields if name.startswith("snowflake_"))}
# Statements that may have what engines judge differently.
LOOKED_AT = re.compile(r"/|\bdesc\b|\bhaving\b|\bexists\b|\\", re.IGNORECASE)
# Without the clock's columns and the run.
RESTATED = (
    "cast(figure_day as varchar), measure, cast(was as varchar), cast(became as varchar), affected_keys,"
    " examples, cast(window_end as varchar), cast(known_at as varchar), is_rebuild"
)
# Tables without a row in the days that are run.
NEVER_FILLED = {
    *(f"raw_{system}._refused_rows" for system in SYSTEMS),
    "raw_webshop.refunds",
    "staging.stg_webshop_refunds",
    # The first forecasts are judged after 13 weeks, and no plan is replayed before.
    "mart_lifetime_value.value_calibration",
    "mart_demand.replenishment_replay",
    # No offer is planned and settled in two weeks.
    "mart_prices.offer_plan_record",
}


@pytest.fixture
def own_environment():
    """What a test sets in the environment is gone after it."""
    known = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(known)


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


def test_all_rows_are_the_same(deployment, retailer, parsed_on_snowflake, tmp_path, own_environment):
    """All six systems: a first build, a range that begins with a built day, with all checks, and two weeks.

    Meanwhile rows change in the sources and disappear, also outright, and people amend what rows describe.
    """
    folder = tmp_path / "snowflake"
    shutil.copytree(parsed_on_snowflake, folder / "dbt")
    built, last = NEW_DAYS[0] - timedelta(days=1), NEW_DAYS[-1]
    with stand_in(folder) as settings:
        there = deployment_in(folder, **settings.model_dump(include=ON_SNOWFLAKE))
        # DuckDB has these days already. Files are copied with their times, which are times of change.
        shutil.copytree(deployment.sources, there.sources)
        there.run(START, built, checks=False)
        write_evening(retailer, deployment, last)
        amend(deployment.sources, [(last, MASTERS), (last, DELETED)])
        shutil.rmtree(there.sources)
        shutil.copytree(deployment.sources, there.sources)
        for each in (deployment, there):
            each.run(built, last, checks=each is there)
            each.run_weeks(*WEEKS)
        with (
            warehouse_of(deployment.settings).session() as on_duckdb,
            warehouse_of(settings).session() as on_snowflake,
        ):
            found = differences(on_duckdb, on_snowflake, ("DuckDB", "Snowflake"))
            assert [f"{each.table}: {each.text}" for each in found] == []
            tables = tables_of(on_duckdb)
            empty = {name for name in tables if not on_duckdb(f"select 1 from {name} limit 1")}
            # Whom the sources erased is gone for good.
            erased = [
                dict(session("select table_name, sum(row_count) from privacy.erasures group by table_name"))
                for session in (on_duckdb, on_snowflake)
            ]
            # What figures of past days were, and became.
            restated = [
                sorted(map(str, session(f"select mart, {RESTATED} from quality.restatements")))
                for session in (on_duckdb, on_snowflake)
            ]
            described = missing_comments(descriptions(there.manifest), on_snowflake(SNOWFLAKE_COMMENTS))
            assert list(described) == []
        on_each = [
            _extracted(each.settings.model_copy(update=stated), there.manifest, tmp_path / name)
            for each, name, stated in (
                (deployment, "from-duckdb", {}),
                (there, "from-snowflake", settings.model_dump(include=ON_SNOWFLAKE)),
            )
        ]
        sent = statements_sent(settings)
    _are_alike(*on_each)
    assert empty == NEVER_FILLED
    assert erased[0] == erased[1]
    assert {"raw_crm.consumers", "raw_marketing.audience_members"} <= erased[0].keys()
    assert restated[0] == restated[1]
    assert {"mart_sales.sales_performance", "mart_marketing.mrt_media_channels"} <= {
        row.split("'")[1] for row in restated[0]
    }
    assert [each for each in sent if each.error] == []
    looked_at = [each.text for each in sent if LOOKED_AT.search(each.text)]
    assert {found for sql in looked_at for found in judged_differently(sql)} == set()


def _extracted(settings, manifest, folder):
    """The folder of all extracts."""
    settings = settings.model_copy(update={"extracts_folder": str(folder)})
    extracts = [each for each in exposures(manifest) if each.kind == EXTRACTS]
    written = write_extracts(settings, warehouse_of(settings), extracts)
    assert [each for tables in written.values() for table in tables for each in table.problems] == []
    return folder


def _are_alike(here, there):
    """Two folders have the same files with the same rows, and the months of a table fit each other."""
    files = sorted(path.relative_to(here) for path in here.rglob("*.parquet"))
    assert files == sorted(path.relative_to(there) for path in there.rglob("*.parquet"))
    schemas: dict[Path, Any] = {}
    for file in files:
        schema = pq.read_schema(there / file)
        assert schema == schemas.setdefault(file.parent, schema), file
        rows = [f"(select * from read_parquet('{folder / file}'))" for folder in (here, there)]
        differing = [duckdb.execute(" except all ".join(each)).fetchall() for each in (rows, rows[::-1])]
        assert differing == [[], []], file
    assert len(files) > len(schemas) + 10, "next to no table has several months, which proves little"


def test_a_hash_of_rows_is_another_one_where_any_differs(snowflake):
    """Whatever their order: extracts ask it which months have changed."""
    warehouse = warehouse_of(snowflake)
    hashed = (
        f"select cast({warehouse.hash_of(['a', 'b'])} as varchar) as hashed from (values {{}}) as t (a, b)"
    )
    first, turned, other = (
        warehouse.query(hashed.format(rows))["hashed"][0].as_py()
        for rows in ("(1, 'x'), (2, null)", "(2, null), (1, 'x')", "(1, 'x'), (2, 'y')")
    )
    assert first == turned != other


def test_what_is_read_has_the_types_of_the_query(snowflake):
    """Whatever its values are: also of a column without any, and of no rows at all."""
    columns = """
        cast({0} as bigint) as whole, cast({1} as decimal(38, 6)) as amount, cast({2} as double) as share,
        cast({3} as varchar) as name, cast({4} as date) as day, cast({5} as timestamp) as moment,
        cast({6} as boolean) as is_so
    """
    values = ("7", "12.5", "0.25", "'x'", "'2024-05-01'", "'2024-05-01 12:30:00'", "true")
    with warehouse_of(snowflake).session() as session:
        full, empty = (
            session.read(f"select {columns.format(*given)}") for given in (values, ["null"] * len(values))
        )
        none = session.read(f"select * from (select {columns.format(*values)}) as one where whole = 8")
    assert full.schema == empty.schema == none.schema
    assert [str(each) for each in full.schema.types] == [
        "int64", "decimal128(38, 6)", "double", "string", "date32[day]", "timestamp[us]", "bool",
    ]  # fmt: skip
    assert empty.to_pylist() == [dict.fromkeys(full.column_names)]
    assert (full["amount"][0].as_py(), none.num_rows) == (Decimal("12.5"), 0)


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


def test_a_person_is_forgotten_the_same_way_on_snowflake(snowflake, manifest):
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    with warehouse.session() as there, duckdb.connect() as connection:
        found = []
        for session in (DuckDBSession(connection), there):
            planted_persons.plant(manifest, session)
            person = planted_persons.forget_ann(manifest, session)
            planted_persons.erase_bob(session)
            erased = planted_persons.purge(manifest, session)
            left = remaining(planted_persons.tables_of(manifest), person, session)
            found.append((person, erased, left, planted_persons.rows(manifest, session)))
        # Other tests build the models here.
        for name in ("raw_crm", "raw_marketing", "mart_planted", "privacy"):
            there(f"drop schema {name} cascade")
    assert found[0] == found[1]
    assert found[0][1]


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
        sent = [each.text for each in statements_sent(snowflake) if "mart_demand" in each.text.lower()]
        assert {found for sql in sent for found in judged_differently(sql)} == set()
        # Other tests build the models here.
        made = (*here.rows(), "replenishment_plan")
        for name in (*DEMAND_TABLES, *(f"mart_demand.{each}" for each in made)):
            session(f"drop table {name}")


def test_prices_and_offers_are_the_same_on_snowflake(snowflake):
    """The statements that Python writes, over the same rows of the warehouse."""
    here = Marketing()
    for size, product in enumerate(("hat", "cap", "mug"), 2):
        price = [10 if (week + size) % 11 else 8 for week in range(104)]
        pieces = [size * (20 + week % 7) * (2 if each == 8 else 1) for week, each in enumerate(price)]
        here.sell(product, price, pieces)
    here.sell("pan", [9] * 60, [7] * 60)
    here.know(hat="hats", cap="hats")
    here.sell_daily("Hats", 10)
    ahead: dict[str, Any] = {"terms": "30 % off hats.", "discount_pct": 0.3}
    for week in (0, 4):
        for number, off in enumerate([0.1, 0.3, 0.2, 0.15, 0.25]):
            first = -30 + 4 * number
            uplift = round((1 - off) ** -3 + 0.1 * number, 6)
            here.offer(number, day(first), day(first, 6), week, uplift=uplift, discount_pct=off)
    here.offer(8, day(1), day(1, 6), **ahead)
    here.offer(8, day(1), day(1, 6), 4, **ahead, uplift=2.5)
    here.offer(9, day(1), None, **ahead)
    here.run(0, 4)
    warehouse = warehouse_of(snowflake)
    warehouse.execute("create database if not exists RETAIL")
    with warehouse.session() as session:
        _bring(here.execute, session, Marketing.tables)
        for week in (0, 4):
            estimate(session, day(week))
        for name in here.rows():
            rows = session(f"select * from mart_prices.{name}")
            assert sorted(map(str, rows)) == sorted(map(str, here.rows()[name])), name
            assert rows, name
        sent = [each.text for each in statements_sent(snowflake) if "mart_prices" in each.text.lower()]
        assert {found for sql in sent for found in judged_differently(sql)} == set()
        # Other tests build the models here.
        for name in (*Marketing.tables, *(f"mart_prices.{each}" for each in here.rows())):
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
