"""The emulator as a server of its own, and the settings of a deployment on it."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from retail_assets.settings import Settings


@contextmanager
def stand_in(home: Path, **changes: object) -> Iterator[Settings]:
    """Settings for a server on a free port, with an empty database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "retail_assets_tests.snowflake_emulator", str(port)],
        # The tests are no installed package, and are run in an empty folder.
        cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    values = {
        "home": home,
        "warehouse": "snowflake",
        "snowflake_account": "fakesnow",
        "snowflake_user": "user",
        "snowflake_password": "password",
        "snowflake_host": "127.0.0.1",
        "snowflake_port": port,
        "snowflake_protocol": "http",
        # What the emulator cannot do it answers with status 500, which the connector repeats.
        "snowflake_network_timeout": 20,
    }
    try:
        _wait_for(port, server)
        yield Settings(**{**values, **changes})
    finally:
        server.kill()
        server.wait()


@dataclass(frozen=True)
class Statement:
    """A statement that was sent to the emulator."""

    text: str
    error: str | None
    """What the emulator said, if it refused it."""


def statements_sent(settings: Settings) -> Sequence[Statement]:
    """All statements until now but those on dlt's own tables, which dlt asks for before they are there."""
    with urlopen(f"http://127.0.0.1:{settings.snowflake_port}/statements") as answer:
        found = [Statement(*each) for each in json.load(answer)]
    return [each for each in found if "_dlt_" not in each.text.lower()]


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("the Snowflake stand-in did not start")
