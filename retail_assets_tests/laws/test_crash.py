"""Law 5. Kill the process at any point; run again; nothing is lost, doubled or half-written."""

import random
import signal
import subprocess
import sys
import time

from retail_assets_tests.conftest import days_of, write_erp

LAYERS = ("warehouse", "mart_sales")


def test_killed_runs_leave_nothing_behind(deploy, retailer):
    days = days_of(0, 33)
    expected = deploy()
    write_erp(retailer, expected, days[-1])
    expected.run(days[0], days[-1])

    deployment = deploy()
    write_erp(retailer, deployment, days[-3])
    deployment.run(days[0], days[-3])
    published = deployment.published()
    write_erp(retailer, deployment, days[-1])

    chance = random.Random(3)
    for _ in range(3):
        _kill_somewhere(deployment, days[-2], days[-1], chance)
        # Readers see the last complete run, whatever the killed one had done.
        assert deployment.published().equals(published)
    deployment.run(days[-2], days[-1])
    actual, wanted = deployment.tables(*LAYERS), expected.tables(*LAYERS)
    for table, rows in wanted.items():
        assert actual[table] == rows, table


def _kill_somewhere(deployment, first, last, chance):
    """Start a run in a process of its own and kill it while it is writing the warehouse."""
    settings = deployment.settings
    command = [sys.executable, "-m", "retail_assets.cli", "backfill"]
    command += ["--from", first.isoformat(), "--to", last.isoformat()]
    process = subprocess.Popen(
        command, env=deployment.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    lock = settings.home / "retail.duckdb.lock"
    touched = lock.stat().st_mtime_ns if lock.exists() else 0
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if lock.exists() and lock.stat().st_mtime_ns != touched:
            break
        time.sleep(0.05)
    time.sleep(chance.uniform(0.2, 3.5))
    assert process.poll() is None, "the run was over before it was killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
