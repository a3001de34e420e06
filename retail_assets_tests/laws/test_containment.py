"""Law 9. What is bad stops itself and what depends on it, nothing else; what is good is published, and each
table says of which day it is. Nothing that was missed is lost."""

import sqlite3
import subprocess
import sys
from datetime import timedelta

import duckdb
import pytest

from retail_assets.quality.table_states import TABLE
from retail_assets_tests.conftest import NEW_DAYS, START, evening, write_evening
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.laws.comparison import CONSUMER_HISTORY, assert_as_built, readers_of

INVENTORY = "mart_analyst.mrt_inventory_analysis"
SALES = "warehouse.wh_fact_sales"
CUSTOMERS = "mart_analyst.mrt_customer_analysis"


def _published(deployment, statement):
    with duckdb.connect(deployment.settings.published_path, read_only=True) as connection:
        return connection.execute(statement).fetchall()


def _states(deployment):
    return {
        table: (state, as_of, why)
        for table, state, as_of, why in _published(
            deployment, f"select table_name, state, as_of, why from {TABLE}"
        )
    }


def _said(deployment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "retail_assets.cli", *arguments],
        env=deployment.environment,
        capture_output=True,
        text=True,
        check=False,
    )


@fault(
    Area.INGESTION,
    "A source table changes in a whole deployment",
    "What is made of it is stale and says why; all else is published; once mended, nothing is missing.",
)
def test_a_refused_table_stops_what_is_made_from_it_until_it_is_mended(deployment, built, retailer):
    former, first = NEW_DAYS[0] - timedelta(days=1), NEW_DAYS[0]
    write_evening(retailer, deployment, first)
    with sqlite3.connect(deployment.sources / "inventory.sqlite") as connection:
        ((table, column),) = connection.execute(
            "select m.name, c.name from sqlite_master as m, pragma_table_info(m.name) as c"
            " where lower(m.name) like '%movement%' and lower(c.name) like '%quantity%'"
        )
        connection.execute(f'alter table "{table}" rename column "{column}" to moved')
    assert not deployment.attempt(first).success

    states = _states(deployment)
    refused = {name for name, (state, *_) in states.items() if state == "refused"}
    (raw,) = refused
    assert states[raw][1:2] == (former,)
    assert column in states[raw][2].lower() or "has no column" in states[raw][2]
    assert states[INVENTORY] == (
        "stale",
        former,
        f"{raw}: {states[raw][2]}, it ends with {evening(former):%Y-%m-%d %H:%M} UTC",
    )
    for name in (SALES, "mart_marketing.mrt_offers", "mart_sales.product_demand"):
        assert states[name] == ("current", first, None)
    # What is good is there for readers, and who asks for the rest is told.
    assert _published(deployment, f"select max(order_date) from {SALES}") == [(first,)]
    told = _said(deployment, "sql", f"select count(*) as days from {INVENTORY}", "--format", "csv")
    assert told.returncode == 0
    assert f"{INVENTORY} is as of {former} (stale): {raw}: " in " ".join(told.stderr.split())

    # The night after, the source is as it was before.
    write_evening(retailer, deployment, NEW_DAYS[1])
    deployment.run(NEW_DAYS[1])
    assert {state for state, *_ in _states(deployment).values()} == {"current"}
    write_evening(retailer, deployment, NEW_DAYS[-1])
    deployment.run(NEW_DAYS[2], NEW_DAYS[-1], checks=False)
    assert_as_built(deployment, built)


@fault(
    Area.BUILDING,
    "A model fails",
    "What is made of it is stale and says why; all else is published; once mended, nothing is missing.",
)
def test_a_model_that_fails_stops_what_is_made_from_it_until_it_is_mended(deployment, built, retailer):
    former, first = NEW_DAYS[0] - timedelta(days=1), NEW_DAYS[0]
    write_evening(retailer, deployment, NEW_DAYS[-1])
    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        connection.execute("alter table warehouse.wh_fact_interactions add column not_ours integer")
    failed = _said(deployment, "backfill", "--from", f"{first}", "--to", f"{first}")
    assert failed.returncode == 1
    assert "wh_fact_interactions" in failed.stdout + failed.stderr
    states = _states(deployment)
    assert states["warehouse.wh_fact_interactions"][:2] == ("failed", former)
    assert states[CUSTOMERS][:2] == ("stale", former)
    assert states[CUSTOMERS][2].startswith("warehouse.wh_fact_interactions: ")
    for name in (SALES, INVENTORY):
        assert states[name] == ("current", first, None)
    assert _published(deployment, f"select max(order_date) from {SALES}") == [(first,)]

    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        connection.execute("alter table warehouse.wh_fact_interactions drop column not_ours")
    deployment.run(NEW_DAYS[1])
    deployment.run(NEW_DAYS[2], NEW_DAYS[-1], checks=False)
    assert {state for state, *_ in _states(deployment).values()} == {"current"}
    assert_as_built(deployment, built)


@fault(
    Area.INGESTION,
    "A system's database is destroyed",
    "Its own tables are refused, all else is current; once it is back, nothing is missing.",
)
def test_a_system_that_is_down_stops_only_its_own(deployment, built, retailer, monkeypatch):
    """As a nightly run has it: tried again, then left out. When it is back, nothing is missing."""
    monkeypatch.setattr("retail_assets.ingestion.assets.RETRIES", 0)
    first = NEW_DAYS[0]
    write_evening(retailer, deployment, first)
    (deployment.sources / "inventory.sqlite").write_bytes(b"no database at all, but many bytes of something")
    assert not deployment.attempt(first).success
    states = _states(deployment)
    assert {state for name, (state, *_) in states.items() if name.startswith("raw_inventory.")} == {"refused"}
    assert states[INVENTORY][0] == "stale"
    assert states["mart_sales.product_demand"] == ("current", first, None)

    (deployment.sources / "inventory.sqlite").unlink()
    write_evening(retailer, deployment, NEW_DAYS[1])
    deployment.run(NEW_DAYS[1])
    write_evening(retailer, deployment, NEW_DAYS[-1])
    deployment.run(NEW_DAYS[2], NEW_DAYS[-1], checks=False)
    assert {state for state, *_ in _states(deployment).values()} == {"current"}
    assert_as_built(deployment, built)


@pytest.mark.parametrize(("before", "added"), [("webshop", "erp"), ("erp, webshop, crm", "marketing")])
def test_a_system_that_is_added_is_there_as_if_it_always_had_been(deploy, retailer, before, added):
    days = [START + timedelta(days=number) for number in range(6)]
    later, always = deploy(sources=before), deploy(sources=f"{before}, {added}")
    for deployment in (later, always):
        write_evening(retailer, deployment, days[-2])
        deployment.run(days[0], days[-2], checks=False)
    later = type(later)(later.settings.model_copy(update={"sources": always.settings.sources}))
    for deployment in (later, always):
        write_evening(retailer, deployment, days[-1])
        deployment.run(days[-1])
    found, expected = later.lasting(), always.lasting()
    assert found.keys() == expected.keys()
    # A former address is known to nobody who did not look while it was the newest one.
    seen_before = readers_of(CONSUMER_HISTORY, always.manifest)
    assert {name for name in expected if set(found[name]) != set(expected[name])} <= seen_before
    assert any(expected.values())
