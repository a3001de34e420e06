"""Law 5, at any point: runs are killed at random moments, again and again, while readers look.

On demand, by `make kills`: some fifty kills take half an hour.
"""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import duckdb
import pytest

from retail_assets_tests.conftest import NEW_DAYS, WEEKS, write_evening
from retail_assets_tests.laws.comparison import assert_as_built
from retail_assets_tests.laws.test_crash import weekly_rows

KILLS = int(os.environ.get("KILLS", "0"))
# Kills of daily and of weekly runs on one home, before all of its tables are compared.
DAILY_KILLS, WEEKLY_KILLS = 7, 3
PATIENCE = 1800

pytestmark = pytest.mark.skipif(not KILLS, reason="on demand: make kills")


@dataclass
class Readers:
    """What a reader has seen of the published warehouse, over and over."""

    path: Path
    seen: set[tuple[object, ...]] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    looks: int = 0

    def look(self) -> tuple[object, ...]:
        """Of two tables at once: a copy that is half of one run and half of another shows."""
        with duckdb.connect(self.path, read_only=True) as connection:
            (row,) = connection.execute("""
                select (select (count(*), sum(line_total)) from warehouse.fact_sales),
                    (select (count(*), sum(net_sales)) from mart_sales.sales_performance)
            """).fetchall()
        return row

    @contextmanager
    def looking(self) -> Iterator[None]:
        """A context in which a thread looks all the time."""
        is_over = Event()

        def look_on() -> None:
            while not is_over.wait(0.05):
                try:
                    self.seen.add(self.look())
                except Exception as error:
                    self.errors.append(str(error))
                self.looks += 1

        thread = Thread(target=look_on)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


def _start(deployment, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "retail_assets.cli", "backfill", *map(str, arguments)],
        env=deployment.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _killed(deployment, arguments, seconds):
    """Whether a run was killed so many seconds after its start, and not over before."""
    process = _start(deployment, *arguments)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _undisturbed(deployment, arguments):
    """How many seconds a run takes."""
    started = monotonic()
    assert _start(deployment, *arguments).wait(PATIENCE) == 0
    return monotonic() - started


def test_whenever_runs_are_killed(deploy, history, built, retailer):
    """Readers see the state before or the one after, and reruns make what an undisturbed run makes."""
    chance = random.Random(KILLS)
    days = ("--from", NEW_DAYS[0], "--to", NEW_DAYS[-1])
    weeks = ("--from", WEEKS[0], "--to", WEEKS[-1] + timedelta(days=6), "--weekly")

    def started():
        deployment = deploy()
        shutil.copytree(history.settings.home, deployment.settings.home, dirs_exist_ok=True)
        write_evening(retailer, deployment, NEW_DAYS[-1])
        return deployment

    # Of consumers who moved, what is built at once knows less: weeks are compared with the same runs.
    calm = started()
    seconds = {arguments: _undisturbed(calm, arguments) for arguments in (days, weeks)}
    expected = weekly_rows(calm.settings.published_path)
    kills = looks = 0
    while kills < KILLS:
        deployment = started()
        readers = Readers(deployment.settings.published_path)
        states = {readers.look()}
        for arguments, times in ((days, DAILY_KILLS), (weeks, WEEKLY_KILLS)):
            with readers.looking():
                for _ in range(times):
                    # A run may be over before it is killed.
                    kills += _killed(deployment, arguments, chance.uniform(1, seconds[arguments]))
                _undisturbed(deployment, arguments)
            states.add(readers.look())
        assert readers.errors == []
        assert readers.seen <= states
        assert len(states) == 2
        assert weekly_rows(deployment.settings.published_path) == expected
        assert_as_built(deployment, built)
        looks += readers.looks
        shutil.rmtree(deployment.settings.home)
        print(f"{kills} kills, {looks} looks of readers, all tables as undisturbed", flush=True)
