"""Law 8, all at once: a nightly run, a backfill of 30 days, a weekly run, four readers and the UI.

On demand, by `make kills`: it takes minutes.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing, contextmanager
from datetime import timedelta
from threading import Thread
from time import monotonic, sleep

import pytest

from retail_assets.resources.ports import HOST
from retail_assets_tests.conftest import NEW_DAYS, WEEKS, write_evening
from retail_assets_tests.laws.comparison import assert_as_built
from retail_assets_tests.laws.test_crash import weekly_rows

READERS = 4
PATIENCE = 3600
ASSETS = "{ assetsOrError { ... on AssetConnection { nodes { id } } } }"

pytestmark = pytest.mark.skipif("KILLS" not in os.environ, reason="on demand: make kills")


def _start(deployment, *arguments, module="retail_assets.cli"):
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        env=deployment.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def _ui(deployment):
    """The UI, which is asked for all assets over and over. Gives the answers."""
    with closing(socket.create_server((HOST, 0))) as free:
        port = free.getsockname()[1]
    server = _start(
        deployment,
        *("-h", HOST, "-p", port),
        "-m",
        "retail_assets.definitions",
        module="retail_assets.deployment.webserver",
    )
    answers: list[int] = []
    is_over: list[bool] = []

    def ask() -> None:
        request = urllib.request.Request(
            f"http://{HOST}:{port}/graphql",
            json.dumps({"query": ASSETS}).encode(),
            {"Content-Type": "application/json"},
        )
        while not is_over:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    answers.append(len(json.load(answer)["data"]["assetsOrError"]["nodes"]))
            except OSError:
                assert server.poll() is None
                sleep(0.5)

    thread = Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        is_over.append(True)
        thread.join()
        server.terminate()
        server.wait()


def _read_on(deployment, runs, answers):
    """Read by the command line until all runs are over."""
    while any(run.poll() is None for run in runs):
        reader = _start(
            deployment, "sql", "select count(*) as lines from warehouse.fact_sales", "--format", "csv"
        )
        text, _ = reader.communicate(timeout=PATIENCE)
        answers.append((reader.returncode, text))


def test_everything_at_once(deploy, history, built, retailer):
    """And then each table is what the same runs make one after the other."""
    calm, deployment = deploy(), deploy()
    for each in (calm, deployment):
        shutil.copytree(history.settings.home, each.settings.home, dirs_exist_ok=True)
        write_evening(retailer, each, NEW_DAYS[-1])
    month = NEW_DAYS[-1] - timedelta(days=29)
    weeks = ("--from", WEEKS[0], "--to", WEEKS[-1] + timedelta(days=6), "--weekly")
    with _ui(deployment) as pages:
        runs = [
            _start(deployment, "backfill", "--from", NEW_DAYS[-1], "--to", NEW_DAYS[-1]),
            _start(deployment, "backfill", "--from", month, "--to", NEW_DAYS[-1]),
            _start(deployment, "backfill", *weeks),
        ]
        answers: list[tuple[int, str]] = []
        readers = [Thread(target=_read_on, args=(deployment, runs, answers)) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        deadline = monotonic() + PATIENCE
        said = [run.communicate(timeout=deadline - monotonic())[0] for run in runs]
        for reader in readers:
            reader.join()
    for run, text in zip(runs, said, strict=True):
        # A week that begins before its days are in says so.
        assert run.returncode == 0 or (run is runs[-1] and "it ends with" in text), text
        assert "lock" not in text.lower(), text
    assert [text for code, text in answers if code or int(text.split()[-1]) <= 0] == []
    assert len(answers) > READERS
    assert len(set(pages)) == 1
    # The weeks may have run before the days: once more, when these are in.
    assert _start(deployment, "backfill", *weeks).wait(PATIENCE) == 0
    month_days = ("--from", month, "--to", NEW_DAYS[-1])
    assert _start(calm, "backfill", *month_days).wait(PATIENCE) == 0
    assert _start(calm, "backfill", *weeks).wait(PATIENCE) == 0
    assert weekly_rows(deployment.settings.published_path) == weekly_rows(calm.settings.published_path)
    assert_as_built(deployment, built)
    print(f"{len(answers)} answers to readers, {len(pages)} pages of the UI, no lock", flush=True)
