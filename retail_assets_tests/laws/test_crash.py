"""Law 5. Kill the process at any point; run again; nothing is lost, doubled or half-written."""

import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta

import dagster as dg
import duckdb

from retail_assets.automation import abandoned
from retail_assets.resources.warehouse import warehouse_of
from retail_assets_tests.automation.test_abandoned import look
from retail_assets_tests.conftest import NEW_DAYS, WEEKS, write_evening
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.laws.comparison import assert_as_built

# Files that a run writes on its way: when it begins to write the warehouse, at a fact, at a mart.
WAYMARKS = (
    "retail.duckdb.lock",
    "dbt/duckdb-*/run/retail_assets/models/warehouse/sales/fact_sales.sql",
    "dbt/duckdb-*/run/retail_assets/models/marts/sales/product_demand.sql",
)


@fault(
    Area.BUILDING,
    "A run is killed (SIGKILL) as it begins to write, at a fact, at a mart",
    "Readers see the last whole run; after a rerun every table is as undisturbed and as rebuilt.",
    times=len(WAYMARKS),
)
def test_killed_runs_leave_nothing_behind(deployment, built, retailer, monkeypatch):
    first, last = NEW_DAYS[0], NEW_DAYS[-1]
    write_evening(retailer, deployment, last)
    published = deployment.published()
    chance = random.Random(3)
    for waymark in WAYMARKS:
        _kill_at(deployment, first, last, waymark, chance.uniform(0, 0.3))
        # Readers see the last complete run, whatever the killed one had done.
        assert deployment.published().equals(published), waymark
    deployment.run(first, last, checks=False)
    assert_as_built(deployment, built)
    # Nor do they keep others waiting: Dagster learns that each of them is over.
    with dg.DagsterInstance.get() as instance:
        begun = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        assert len(instance.get_runs(begun)) == len(WAYMARKS)
        monkeypatch.setattr(abandoned, "SILENT_SECONDS", 0)
        for _ in range(abandoned.SILENT_LOOKS):
            look(instance)
        assert not instance.get_runs(begun)


WEEKLY = ("customer_segmentation_features", "segmentation_model", "customer_segments", "segment_profiles")
IN_ITS_TRANSACTION = """
import os, signal
from retail_assets.cli import main
from retail_assets.segmentation import tables
tables.insert_rows = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main()
"""


@fault(
    Area.BUILDING,
    "A week is killed (SIGKILL) within the transaction of its segments",
    "Last week's segments stand; a rerun gives the undisturbed ones.",
)
def test_a_killed_week_leaves_last_weeks_segments(deploy, built):
    """Killed within the transaction of its segments, when its features are complete."""
    deployment = deploy()
    shutil.copytree(built.settings.home, deployment.settings.home, dirs_exist_ok=True)
    warehouse, published = deployment.settings.duckdb_path, deployment.settings.published_path
    undisturbed = weekly_rows(warehouse)
    _forget(deployment, WEEKS[-1])
    before = weekly_rows(published)
    assert {row[0] for row in before["customer_segments"]} == {WEEKS[0]}

    sunday = WEEKS[-1] + timedelta(days=6)
    killed = _start(deployment, WEEKS[-1], sunday, "--weekly", program=("-c", IN_ITS_TRANSACTION))
    assert killed.wait(120) == -signal.SIGKILL
    halfway = before | {WEEKLY[0]: undisturbed[WEEKLY[0]]}
    assert weekly_rows(warehouse) == halfway
    assert weekly_rows(published) == halfway

    deployment.run_weeks(WEEKS[-1], WEEKS[-1])
    assert weekly_rows(published) == undisturbed


def weekly_rows(path):
    """The rows of segmentation, by table."""
    with duckdb.connect(path, read_only=True) as connection:
        return {
            table: connection.execute(f"select * from mart_segmentation.{table} order by all").fetchall()
            for table in WEEKLY
        }


def _forget(deployment, week):
    """As if the week had not been run yet."""
    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        for table in WEEKLY:
            connection.execute(f"delete from mart_segmentation.{table} where week_start = '{week}'")
    warehouse_of(deployment.settings).publish()


def _start(deployment, first, last, *options, program=("-m", "retail_assets.cli")):
    """A run in a process of its own."""
    command = [sys.executable, *program, "backfill", "--from", first.isoformat(), "--to", last.isoformat()]
    return subprocess.Popen(
        [*command, *options],
        env=deployment.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _kill_at(deployment, first, last, waymark, delay):
    """Start a run in a process of its own and kill it shortly after it has written a file."""
    (path,) = deployment.settings.home.glob(waymark)
    written = path.stat().st_mtime_ns
    process = _start(deployment, first, last)
    deadline = time.monotonic() + 120
    while path.stat().st_mtime_ns == written and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    assert process.poll() is None, f"the run was over before it was killed at {waymark}"
    process.send_signal(signal.SIGKILL)
    process.wait()
