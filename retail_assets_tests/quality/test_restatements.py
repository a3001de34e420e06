"""Figures of past days that become others: what is recorded of them, and what it answers."""

import json
import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from pydantic import SecretStr
from typer.testing import CliRunner

from retail_assets.alerts.tick import watched
from retail_assets.cli.app import app
from retail_assets.definitions import definitions_of
from retail_assets.quality.restatements import (
    CHECK_NAME,
    Restatement,
    is_over,
    restated_marts,
    restating,
)
from retail_assets.quality.table_states import TableState
from retail_assets.settings import Settings, SettingsError, load_settings, settings
from retail_assets.windows import Window
from retail_assets_tests.alerts.receiver import receiving
from retail_assets_tests.conftest import NEW_DAYS, START, new_deployment

PERFORMANCE = "mart_sales.sales_performance"
MARTS = (PERFORMANCE, "mart_sales.product_demand", "mart_sales.customer_analysis")
# What an order passes through, and three marts that replace their rows by day and by customer.
MODELS = (
    "stg_sales_orders", "stg_sales_order_details", "affected_erp_sales", "affected_orders",
    "affected_sales_days", "affected_product_days", "affected_consumers", "fact_sales", "wh_fact_sales",
    "sales_performance", "product_demand", "customer_analysis",
)  # fmt: skip
# The newest day that is built is run again: somebody committed on it after it was read.
LAST = NEW_DAYS[0] - timedelta(days=1)
FROM, TO = date(2024, 3, 12), date(2024, 3, 14)


def _run(deployment, *, full_refresh=False):
    """The orders and what is made of them, of the last day."""
    nodes = deployment.manifest["nodes"]
    keys = {dg.AssetKey([nodes[f"model.retail_assets.{name}"]["schema"], name]) for name in MODELS} | {
        dg.AssetKey(["raw_erp", name]) for name in ("sales_order_header", "sales_order_detail")
    }
    checks = {dg.AssetCheckKey(dg.AssetKey(PERFORMANCE.split(".")), CHECK_NAME)}
    config = {"ops": {"transformation": {"config": {"full_refresh": full_refresh}}}}
    with deployment.entered(), dg.DagsterInstance.get() as instance:
        job = definitions_of(deployment.settings).resolve_job_def("daily")
        result = job.get_subset(asset_selection=keys, asset_check_selection=checks).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **config},
            tags={
                ASSET_PARTITION_RANGE_START_TAG: LAST.isoformat(),
                ASSET_PARTITION_RANGE_END_TAG: LAST.isoformat(),
            },
        )
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    return check


def _figures(deployment):
    """The sums of all days by mart, day and measure, as the marts have them."""
    found = {}
    for mart in restated_marts(deployment.manifest).values():
        if mart.table in MARTS:
            sums = ", ".join(f"sum({name})" for name in mart.measures)
            for day, *figures in deployment.query(
                f"select {mart.day}, {sums} from {mart.table} where {mart.where} group by 1"
            ):
                for name, figure in zip(mart.measures, figures, strict=True):
                    found[mart.table, day, name] = figure
    return found


def _recorded(deployment):
    rows = deployment.query(
        "select mart, figure_day, measure, was, became, affected_keys, examples, known_at, is_rebuild"
        " from quality.restatements order by all"
    )
    return {row[:3]: row[3:] for row in rows}


class Late:
    """A deployment in which an order of the 12th is found to be of the 14th, by a run of a later day."""

    def __init__(self, deployment, receiver):
        self.deployment, self.receiver = deployment, receiver
        self.look(0.0)  # the first look sees what comes after it
        self.first = _recorded(deployment)
        self.before = _figures(deployment)
        (self.order,) = deployment.query(f"""
            select min(cast(order_id as bigint)) from warehouse.wh_fact_sales
            where source_system = 'erp' and order_date = date '{FROM}' and is_sale and net_amount > 0
        """)[0]
        with closing(sqlite3.connect(deployment.erp)) as erp, erp:
            changed = erp.execute(
                "update SalesOrderHeader set OrderDate = ?, ModifiedDate = ? where SalesOrderID = ?",
                (f"{TO} 08:00:00.000000", f"{LAST} 20:00:00.000000", self.order),
            )
            assert changed.rowcount == 1
        self.check = _run(deployment)
        self.look(60.0)
        self.after, self.recorded = _figures(deployment), _recorded(deployment)

    def look(self, now):
        """As the sensor does."""
        with self.deployment.entered(), dg.DagsterInstance.get() as instance:
            graph = definitions_of(self.deployment.settings).resolve_asset_graph()
            alerted = self.deployment.settings.model_copy(update={"alert_urls": SecretStr(self.receiver.url)})
            return watched(alerted, instance, graph, now)


@pytest.fixture(scope="module")
def late(history, tmp_path_factory, parsed_project):
    folder = tmp_path_factory.mktemp("restated") / "home"
    copy = new_deployment(folder, parsed_project, restatement_limits="0.01%")
    shutil.copytree(history.settings.home, folder, dirs_exist_ok=True)
    with receiving() as receiver:
        yield Late(copy, receiver)


@pytest.fixture
def ask(late, monkeypatch):
    """What the command answers, as rows by section."""
    for name, value in late.deployment.environment.items():
        if name.startswith(("RETAIL_", "DAGSTER_")):
            monkeypatch.setenv(name, value)
    settings.cache_clear()

    def answer(*arguments):
        result = CliRunner().invoke(app, ["restatements", *arguments, "--format", "json"])
        assert result.exit_code == 0, result.output
        rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        sections: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            sections.setdefault(row.pop("section"), []).append(row)
        return sections

    yield answer
    settings.cache_clear()


def test_a_first_build_records_nothing(late):
    assert late.first == {}
    assert late.before


def test_a_late_change_is_recorded_of_both_days(late):
    days = {(mart, day) for mart, day, _ in late.recorded}
    assert days == {(mart, day) for mart in MARTS for day in (FROM, TO)}
    was, became, keys, examples, known_at, is_rebuild = late.recorded[PERFORMANCE, FROM, "orders"]
    assert (was - became, keys, examples) == (1, 1, f"erp:{late.order}")
    assert (str(known_at), is_rebuild) == ("2024-04-06 00:00:00", False)
    assert late.recorded[PERFORMANCE, TO, "net_sales"][1] > late.recorded[PERFORMANCE, TO, "net_sales"][0]


def test_the_record_is_what_the_marts_were_and_are(late):
    """Whatever differs of any past day is in the record, and nothing else, with these figures."""
    differing = {
        key: (late.before.get(key), late.after.get(key))
        for key in late.before.keys() | late.after.keys()
        if (late.before.get(key) or 0) != (late.after.get(key) or 0)
    }
    assert {key: row[:2] for key, row in late.recorded.items()} == differing
    sums = [sum(row[column] or 0 for row in late.recorded.values()) for column in (0, 1)]
    was, became = (sum(each[key] or 0 for key in late.recorded) for each in (late.before, late.after))
    assert sums == [was, became]


def test_the_check_tells_the_owner(late):
    changes = [
        abs(became - was) / was
        for (mart, _, measure), (was, became, *_) in late.recorded.items()
        if (mart, measure) == (PERFORMANCE, "net_sales")
    ]
    assert max(changes) > Decimal("0.0001")
    assert not late.check.passed
    figures = [key for key in late.recorded if key[0] == PERFORMANCE]
    assert late.check.metadata["restated figures"].value == len(figures)
    assert late.check.metadata["restated days"].value == 2


def test_the_message_arrives_and_leads_to_the_rows(late, ask):
    """It names the mart, the figure and its owner; the command in it finds what made it so."""
    # What the history's own run found comes as one digest.
    (said,) = (
        each["message"]
        for each in late.receiver.received
        if each["title"].startswith("Warning: mart_sales/sales_performance, check: No figure of a past day")
    )
    assert f"{FROM} net_sales: " in said
    assert f"by erp:{late.order}" in said
    assert "Pages that show it: Sales, Today" in said
    assert "Owner: team:sales-analytics." in said
    remedy = re.search(r"`retail-assets restatements --mart (\S+) --day (\S+) --rows`", said)
    assert remedy
    assert remedy[2] == str(FROM)
    rows = ask("--mart", remedy[1], "--day", remedy[2], "--rows")["source rows"]
    assert {each["key"] for each in rows} == {f"sales_order_id={late.order}"}


def test_what_was_reported_on_a_morning_can_be_asked(late, ask):
    """The morning after the day that brought the change has the new figure, each before it the old one."""
    for morning, of in ((FROM + timedelta(days=1), late.before), (LAST, late.before)):
        rows = ask("--mart", "sales_performance", "--day", str(FROM), "--as-of", str(morning))["reported"]
        # The change is known from the end of the newest day on that the mart has.
        assert {each["measure"]: Decimal(each["reported"]) for each in rows} == {
            measure: figure
            for (mart, day, measure), figure in of.items()
            if (mart, day) == (PERFORMANCE, FROM)
        }
        (orders,) = (each for each in rows if each["measure"] == "orders")
        assert orders["changed on"] == "2024-04-06"
        assert Decimal(orders["now"]) == late.after[PERFORMANCE, FROM, "orders"]
    rows = ask("--mart", PERFORMANCE, "--day", str(FROM), "--as-of", "2024-04-06")["reported"]
    assert all(each["reported"] == each["now"] and not each["changed on"] for each in rows)


def test_a_day_that_the_mart_has_not_is_told(late):
    command = ["restatements", "--mart", PERFORMANCE, "--day", "2023-03-12", "--as-of", "2023-03-20"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in late.deployment.environment.items():
            patch.setenv(name, value)
        settings.cache_clear()
        error = CliRunner().invoke(app, command).exception
        settings.cache_clear()
    assert str(error) == f"{PERFORMANCE} has no 2023-03-12. Its days are {START} to {LAST}."


def test_the_source_rows_that_made_it_so_are_found(late, ask):
    rows = ask("--mart", "sales_performance", "--day", str(TO), "--rows")["source rows"]
    (moved,) = (each for each in rows if each["column"] == "order_date")
    assert (moved["table"], moved["key"]) == ("erp.sales_order_header", f"sales_order_id={late.order}")
    assert (moved["before"][:10], moved["after"][:10]) == (str(FROM), str(TO))
    assert moved["day"] == str(LAST)
    # The tables with the most changes come first.
    tables = [table for table, _ in groupby(each["table"] for each in rows)]
    counts = Counter(each["table"] for each in rows)
    assert len(tables) == len(counts)
    assert [counts[each] for each in tables] == sorted(counts.values(), reverse=True)


def test_a_list_can_be_limited(late, ask):
    everything = ask()["restatements"]
    assert {(each["mart"], each["day"], each["measure"]) for each in everything} == {
        (mart, str(day), measure) for mart, day, measure in late.recorded
    }
    of_day = ask("--mart", "product_demand", "--day", str(TO))["restatements"]
    assert {(each["mart"], each["day"]) for each in of_day} == {("mart_sales.product_demand", str(TO))}
    assert ask("--since", "2024-04-07") == {}
    result = CliRunner().invoke(app, ["restatements", "--mart", "sales_performanse"])
    assert "did you mean" in str(result.exception)


def test_the_same_again_records_nothing_and_a_rebuild_only_what_differs(late):
    """All days are rebuilt after the same day; of one mart a day was as no source has it."""
    other = date(2024, 3, 20)
    key = ("mart_sales.product_demand", other, "net_sales")
    with duckdb.connect(late.deployment.settings.duckdb_path) as connection:
        connection.execute(f"""
            update mart_sales.product_demand set net_sales = net_sales + 7
            where sales_date = date '{other}'
                and product_key = (
                    select min(product_key) from mart_sales.product_demand where sales_date = date '{other}'
                )
        """)
    _run(late.deployment, full_refresh=True)
    assert _figures(late.deployment) == late.after
    found = _recorded(late.deployment)
    was, became, keys, examples, _, is_rebuild = found.pop(key)
    assert found == late.recorded
    assert (was - 7, became) == (late.after[key], late.after[key])
    assert (keys, examples, is_rebuild) == (None, None, True)


MART = "model.retail_assets.sales_performance"


@pytest.mark.parametrize(
    ("first", "last", "run", "reported"),
    [
        (START, NEW_DAYS[0], NEW_DAYS[0], (None, "2024-04-06", "2024-04-07 00:00:00")),
        # Days that are run after later ones: what was before the first was not whole.
        (NEW_DAYS[0], NEW_DAYS[2], NEW_DAYS[0], ("2024-04-06", "2024-04-08", "2024-04-08 00:00:00")),
    ],
)
def test_reported_are_the_days_that_were_whole(manifest, first, last, run, reported):
    def midnight(day):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    deployment = Settings(start_date=START)
    states = {PERFORMANCE: TableState(PERFORMANCE, "current", midnight(first), midnight(last))}
    window = Window(midnight(run), midnight(run + timedelta(days=1)))
    found = restating(manifest, {MART}, states, window, deployment, "run")["marts"]
    assert found == {MART: {"first": reported[0], "until": reported[1], "known_at": reported[2]}}
    assert restating(manifest, {MART}, {}, window, deployment, "run") == {}
    assert restating(manifest, set(), states, window, deployment, "run") == {}


def test_a_day_that_began_before_the_first_window_is_not_whole(manifest):
    berlin = Settings(start_date=START, timezone="Europe/Berlin")
    begun, ended = datetime(2024, 3, 10, tzinfo=UTC), datetime(2024, 3, 20, tzinfo=UTC)
    states = {PERFORMANCE: TableState(PERFORMANCE, "current", begun, ended)}
    found = restating(manifest, {MART}, states, Window(ended, ended), berlin, "run")["marts"][MART]
    assert (found["first"], found["until"]) == ("2024-03-11", "2024-03-20")


@pytest.mark.parametrize(
    ("measure", "was", "became", "limits", "over"),
    [
        ("net_sales", 100, 120, "20%", False),
        ("net_sales", 100, "79.99", "20%", True),
        ("net_sales", None, 1, "20%", True),
        ("net_sales", 100, None, "20%", True),
        ("orders", 100, 200, "20%", False),
        ("orders", 100, 200, "20% orders=50", True),
        ("net_sales", 100, 120, "20% sales_performance=10%", True),
        ("orders", 100, 120, "sales_performance=10%", False),
        ("net_sales", 100, 120, "10% sales_performance.net_sales=20", False),
        ("net_sales", 100, 121, "net_sales=30 sales_performance.net_sales=20", True),
        ("net_sales", 100, 500, "", False),
    ],
)
def test_a_limit_is_a_share_or_an_amount(measure, was, became, limits, over):
    before, after = (None if each is None else Decimal(each) for each in (was, became))
    found = Restatement(PERFORMANCE, FROM, measure, before, after, None)
    assert is_over(found, ("net_sales",), limits) is over


def test_a_restatement_is_told():
    found = Restatement(PERFORMANCE, FROM, "net_sales", Decimal(1000), Decimal("1250.4"), "erp:1")
    assert found.told == "2024-03-12 net_sales: 1,000.00 became 1,250.40 (+25.0%)"
    assert Restatement(PERFORMANCE, FROM, "cost", None, Decimal(2), None).told.endswith("nothing became 2.00")


def test_a_limit_that_is_none_is_told(monkeypatch):
    monkeypatch.setenv("RETAIL_RESTATEMENT_LIMITS", "a lot")
    with pytest.raises(SettingsError, match="'a' is no limit; write 20%"):
        load_settings()


def test_what_marts_say_of_themselves_is_there(manifest):
    """Days, measures and where the reasons are."""
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    found = restated_marts(manifest)
    assert {each.table.partition(".")[0] for each in found.values()} == {
        "mart_analyst", "mart_marketing", "mart_sales",
    }  # fmt: skip
    for unique_id, mart in found.items():
        node = manifest["nodes"][unique_id]
        assert {mart.day, *mart.measures} <= node["columns"].keys(), mart
        assert mart.watched, mart
        assert {*mart.watched} <= {*mart.measures}, mart
        because = node["config"]["meta"]["restated"].get("because")
        assert not because or because["day"] in models[because["model"]]["columns"]
