"""A daemon that is killed again and again loses no alert, and sends one again at most for each death.

On demand, by `make kills`: the daemon looks once a minute.
"""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from threading import Event
from time import monotonic

import dagster as dg
import pytest

from retail_assets.alerts.inbox import Inbox
from retail_assets.resources.ports import HOST
from retail_assets_tests.alerts.receiver import Receiver, receiving
from retail_assets_tests.conftest import Deployment
from retail_assets_tests.faults import Area, fault

KILLS = int(os.environ.get("KILLS", "0"))
# A kill costs a start of the daemon and a minute.
DAEMON_KILLS = min(KILLS, 20)
LOOK_SECONDS = 60
PATIENCE = 600

pytestmark = pytest.mark.skipif(not KILLS, reason="on demand: make kills")


@contextmanager
def _daemon(deployment: Deployment, urls: str) -> Iterator[Callable[[], None]]:
    """`retail-assets dev`, and what kills all of its processes at once."""
    with closing(socket.create_server((HOST, 0))) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "retail_assets.cli", "dev", "--port", str(port)],
        env={**deployment.environment, "RETAIL_ALERT_URLS": urls},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def kill() -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    try:
        yield kill
    finally:
        kill()


def _evaluate(deployment: Deployment, results: dict[str, bool]) -> None:
    """A run of the deployment in which these checks pass or fail."""

    @dg.asset(
        key=["warehouse", "fact_sales"],
        check_specs=[dg.AssetCheckSpec(name, asset=["warehouse", "fact_sales"]) for name in results],
    )
    def checked():
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(check_name=name, passed=ok) for name, ok in results.items()]
        )

    with deployment.entered(), dg.DagsterInstance.get() as instance:
        assert dg.materialize([checked], instance=instance).success


def _wait(until: Callable[[], bool]) -> None:
    deadline, pause = monotonic() + PATIENCE, Event()
    while not until():
        assert monotonic() < deadline
        pause.wait(0.5)


@fault(
    Area.ALERTS,
    "The processes of `retail-assets dev` are killed while messages leave, and at random moments",
    "After the next start each message arrives; one that was being sent may come again.",
    times=DAEMON_KILLS or 20,
)
def test_a_daemon_that_dies_again_and_again_loses_no_message(deploy: Callable[..., Deployment]) -> None:
    deployment, chance = deploy(), random.Random(20)
    inbox = Inbox(deployment.settings.home)
    with receiving() as receiver:
        with _daemon(deployment, receiver.url):
            # The first look sees what comes after it.
            _wait(lambda: bool(inbox.state()))
        killed_at_a_message, mended = 0, list[str]()
        for number in range(DAEMON_KILLS):
            # Something is wrong, and what was told of is right again. Else nobody would be told of either.
            mended += (told := _rules(receiver, "Error") - {*mended})
            _evaluate(deployment, {f"rule_{number}": False, **dict.fromkeys(told, True)})
            with _daemon(deployment, receiver.url) as kill:
                arrived = Event()
                if number % 2:
                    # Within the second of this message: before it is answered, or while the next is sent.
                    delay = chance.choice((0.0, chance.uniform(0, 0.5)))

                    def when_it_arrives(delay: float, arrived: Event, kill: Callable[[], None]) -> None:
                        arrived.set()
                        if not delay:
                            kill()

                    receiver.arrives = partial(when_it_arrives, delay, arrived, kill)
                    assert arrived.wait(PATIENCE)
                    Event().wait(delay)
                    killed_at_a_message += 1
                else:
                    delay = chance.uniform(0, LOOK_SECONDS + 30)
                    Event().wait(delay)
                kill()
            receiver.arrives = lambda: None
            print(f"kill {number + 1} of {DAEMON_KILLS}: {len(receiver.received)} messages", flush=True)
        rules = {f"rule_{number}" for number in range(DAEMON_KILLS)}
        with _daemon(deployment, receiver.url):
            _wait(lambda: _rules(receiver, "Error") == rules)
            _evaluate(deployment, dict.fromkeys(rules - {*mended}, True))
            _wait(lambda: _rules(receiver, "Recovered") == rules)
    counts = Counter((each["title"], each["message"]) for each in receiver.received)
    assert counts.total() <= len(counts) + killed_at_a_message
    print(f"{counts.total()} messages, {len(counts)} different ones, {DAEMON_KILLS} kills", flush=True)


def _rules(receiver: Receiver, kind: str) -> set[str]:
    """The rules that a message has told of, alone or in a digest."""
    told = (f"{each['title']}\n{each['message']}" for each in receiver.received)
    return {
        rule
        for text in told
        for rule in re.findall(rf"^{kind}: \S+, check: (rule_\d+)", text, re.MULTILINE | re.IGNORECASE)
    }
