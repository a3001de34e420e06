"""Raw as assets: any subset of the systems works, and a source's check says what is wrong with it."""

import sqlite3
from contextlib import closing

import dagster as dg
import pytest

from retail_assets.definitions import definitions_of
from retail_assets.quality.source_contract import CONTRACT_CHECK
from retail_assets.settings import SYSTEMS
from retail_assets_tests.conftest import days_of, write_evening
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.tables import text_of, write

DAY = days_of(1, 1)[0]


def _contract_checks(result):
    return {
        check.asset_key.to_user_string(): check
        for check in result.get_asset_check_evaluations()
        if check.check_name == CONTRACT_CHECK
    }


def _raw(deployment, day):
    """One day's partition of raw alone."""
    definitions = definitions_of(deployment.settings)
    raw = dg.AssetSelection.key_prefixes(*(f"raw_{system}" for system in SYSTEMS))
    keys = raw.resolve(definitions.resolve_asset_graph())
    job = definitions.resolve_job_def("daily").get_subset(asset_selection=keys)
    return job.execute_in_process(partition_key=day.isoformat(), raise_on_error=False)


def test_systems_that_are_not_taken_in_cost_nothing(deploy, retailer):
    deployment = deploy(sources="erp")
    write_evening(retailer, deployment, DAY)
    result = deployment.attempt(DAY)
    assert result.success
    assert {name.split("/")[0] for name in _contract_checks(result)} == {"raw_erp"}
    keys = {event.asset_key.path[0] for event in result.get_asset_materialization_events() if event.asset_key}
    assert "mart_marketing" not in keys
    assert {key for key in keys if key.startswith("raw_")} == {"raw_erp"}
    assert [folder.name for folder in (deployment.settings.home / "dlt").iterdir()] == ["raw_erp"]
    # What others read of them is there, empty.
    assert deployment.query("select count(*) from staging.stg_webshop_orders") == [(0,)]
    assert deployment.query("select count(*) from warehouse.wh_fact_loyalty") == [(0,)]
    assert not deployment.query("select 1 from duckdb_tables() where schema_name = 'mart_marketing'")
    ((lines,),) = deployment.query("select count(*) from warehouse.wh_fact_sales")
    assert lines > 0


@pytest.fixture
def shop(deploy):
    """A deployment of the web shop alone, with a day's orders."""
    deployment = deploy(sources="webshop")
    folder = deployment.settings.home / "sources" / "webshop"
    row = {
        "order_id": 1,
        "user_id": 1,
        "status": "Processing",
        "gender": "F",
        "created_at": f"{DAY} 10:00:00 UTC",
    }
    row |= {"returned_at": "", "shipped_at": "", "delivered_at": "", "num_of_item": 1}
    write(folder / "orders" / f"{DAY}.csv.gz", [row])
    return deployment, folder, row


def test_everything_is_built_from_the_web_shop_alone(shop):
    deployment, folder, row = shop
    (folder / "orders" / f"{DAY} more.csv").write_text(text_of([row]) + "2,1,Proc")
    result = deployment.attempt(DAY)
    assert result.success
    checks = _contract_checks(result)
    assert not checks["raw_webshop/orders"].passed
    assert checks["raw_webshop/orders"].severity is dg.AssetCheckSeverity.WARN
    assert f"orders/{DAY} more.csv is not whole (its last row, from line 3 on, breaks off)" in str(
        checks["raw_webshop/orders"].description
    )
    assert "webshop has no table users: it counts as empty." in str(checks["raw_webshop/users"].description)
    assert not [name for name in checks if name.startswith("raw_erp")]
    assert deployment.query("select order_id from staging.stg_webshop_orders") == [(1,)]
    assert deployment.query("select count(*) from staging.stg_sales_orders") == [(0,)]


@fault(
    Area.INGESTION,
    "A table's layout changes overnight",
    "The run says which column is missing and keeps the table.",
)
def test_a_changed_layout_is_an_error_and_keeps_the_table(shop):
    deployment, folder, _ = shop
    assert _raw(deployment, DAY).success
    write(folder / "orders" / f"{days_of(2, 2)[0]}.csv", [{"order_id": 2}])
    result = _raw(deployment, days_of(2, 2)[0])
    # What can be built is built; the command's exit status tells.
    assert result.success
    check = _contract_checks(result)["raw_webshop/orders"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert "it has no column user_id" in str(check.description)
    assert deployment.query("select order_id from raw_webshop.orders") == [(1,)]


@pytest.mark.parametrize(
    ("created", "severity"),
    [("yesterday", dg.AssetCheckSeverity.ERROR), (f"{DAY} 11:00", None)],
)
def test_a_row_that_is_refused_is_an_error_of_the_run_that_reads_it(shop, created, severity):
    deployment, folder, row = shop
    write(folder / "orders" / "more.csv", [row | {"order_id": 2, "created_at": created}])
    check = _contract_checks(_raw(deployment, DAY))["raw_webshop/orders"]
    assert check.passed == (severity is None)
    if severity:
        assert check.severity is severity
        assert "'yesterday': created_at is no timestamp (order_id=2, in orders/more.csv, line 2)" in str(
            check.description
        )
        again = _contract_checks(_raw(deployment, days_of(2, 2)[0]))["raw_webshop/orders"]
        assert (again.passed, again.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_system_that_is_missing_says_which_setting(deploy):
    result = _raw(deploy(sources="webshop, crm"), DAY)
    said = [str(event.event_specific_data) for event in result.get_step_failure_events()]
    assert len(said) == 2
    for system in ("WEBSHOP", "CRM"):
        assert any(f"Set RETAIL_{system}_URL" in each for each in said), said


NIGHTS_GONE = 2


@fault(
    Area.INGESTION,
    "A system is gone for some nights",
    "The others load; when it is back, nothing is missing.",
    times=NIGHTS_GONE,
)
def test_a_system_that_is_gone_does_not_stop_the_others(deploy, retailer):
    """What was loaded of it stays, its tables say what is wrong, and the rest follows when it is back."""
    days = days_of(10, 11 + NIGHTS_GONE)
    deployment = deploy(sources="erp, crm")
    write_evening(retailer, deployment, days[0])
    assert _raw(deployment, days[0]).success
    count = "select count(*) from raw_crm.interactions"
    before = deployment.query(count)

    crm, elsewhere = deployment.sources / "crm.sqlite", deployment.sources / "gone.sqlite"
    for day in days[1 : 1 + NIGHTS_GONE]:
        write_evening(retailer, deployment, day)
        crm.replace(elsewhere)
        result = _raw(deployment, day)
        assert not result.success
        checks = _contract_checks(result)
        assert checks["raw_erp/customer"].passed
        for name, check in checks.items():
            if name.startswith("raw_crm"):
                assert not check.passed
                assert check.severity is dg.AssetCheckSeverity.ERROR
                assert "Set RETAIL_CRM_URL" in str(check.description)
    assert deployment.query(count) == before

    write_evening(retailer, deployment, days[-1])
    assert _raw(deployment, days[-1]).success
    with closing(sqlite3.connect(crm)) as database:
        since = f"modified_at >= '{days[0]}'"
        expected = database.execute(f"select count(*) from interactions where {since}").fetchall()
    assert deployment.query(
        f"select count(distinct interaction_id) from raw_crm.interactions where _{since}"
    ) == (expected)


def test_other_days_are_refused_until_all_are_rebuilt(deploy, retailer):
    days = days_of(0, 4)
    deployment = deploy(sources="erp", end_date=days[-1])
    write_evening(retailer, deployment, days[1])
    deployment.run(days[0], days[1])
    orders = "select count(*) from raw_erp.sales_order_header"
    before = deployment.query(orders)

    write_evening(retailer, deployment, days[-1])
    kept = deployment.settings
    for change, said in (
        (
            {"timezone": "America/New_York"},
            "RETAIL_TIMEZONE was UTC when this home was built, and is America/New_York",
        ),
        (
            {"start_date": days[1]},
            f"RETAIL_START_DATE was {days[0]} when this home was built, and is {days[1]}",
        ),
    ):
        deployment.settings = kept.model_copy(update=change)
        first = change.get("start_date", days[0])
        for result in (deployment.attempt(days[2]), deployment.attempt(first, days[-1])):
            assert not result.success
            told = " ".join(str(event.event_specific_data) for event in result.get_step_failure_events())
            assert said in told
            assert f"backfill --from {first} --to {days[-1]} --full-refresh" in told
        assert deployment.query(orders) == before

    deployment.settings = kept.model_copy(update={"timezone": "America/New_York"})
    deployment.run(days[0], days[-1], full_refresh=True)
    assert deployment.query(orders) > before
    deployment.run(days[-1])
    deployment.settings = kept
    assert not deployment.attempt(days[-1]).success


def test_a_system_that_is_no_longer_taken_in_holds_nothing_back(deploy, retailer):
    days = days_of(0, 3)
    deployment = deploy(sources="erp, webshop")
    write_evening(retailer, deployment, days[1])
    deployment.run(days[0], days[1])
    write_evening(retailer, deployment, days[2])
    deployment.settings = deployment.settings.model_copy(update={"sources": "webshop"})
    assert deployment.attempt(days[2]).success
    channels = "select sales_channel, max(sales_date) from mart_sales.sales_performance group by all"
    newest = dict(deployment.query(channels))
    assert newest["webshop"] == days[2]
    assert newest["online"] < days[2]
