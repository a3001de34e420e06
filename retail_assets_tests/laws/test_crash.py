"""Law 5. Kill the process at any point; run again; nothing is lost, doubled or half-written."""

import random
import signal
import subprocess
import sys
import time

from retail_assets_tests.conftest import NEW_DAYS, write_evening
from retail_assets_tests.laws.comparison import assert_as_built

# Files that a run writes on its way: when it begins to write the warehouse, at a fact, at a mart.
WAYMARKS = (
    "retail.duckdb.lock",
    "dbt/duckdb/run/retail_assets/models/warehouse/sales/fact_sales.sql",
    "dbt/duckdb/run/retail_assets/models/marts/sales/product_demand.sql",
)


def test_killed_runs_leave_nothing_behind(deployment, built, retailer):
    first, last = NEW_DAYS[0], NEW_DAYS[-1]
    write_evening(retailer, deployment, last)
    published = deployment.published()
    chance = random.Random(3)
    for waymark in WAYMARKS:
        _kill_at(deployment, first, last, waymark, chance.uniform(0, 0.3))
        # Readers see the last complete run, whatever the killed one had done.
        assert deployment.published().equals(published), waymark
    deployment.run(first, last)
    assert_as_built(deployment, built)


def _kill_at(deployment, first, last, waymark, delay):
    """Start a run in a process of its own and kill it shortly after it has written a file."""
    path = deployment.settings.home / waymark
    written = path.stat().st_mtime_ns
    command = [sys.executable, "-m", "retail_assets.cli", "backfill"]
    command += ["--from", first.isoformat(), "--to", last.isoformat()]
    process = subprocess.Popen(
        command, env=deployment.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while path.stat().st_mtime_ns == written and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    assert process.poll() is None, f"the run was over before it was killed at {waymark}"
    process.send_signal(signal.SIGKILL)
    process.wait()
