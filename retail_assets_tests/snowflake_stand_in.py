"""`fakesnow` as a server of its own, and the settings of a deployment on it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retail_assets.settings import Settings


@contextmanager
def stand_in(home: Path, **changes: object) -> Iterator[Settings]:
    """Settings for a server on a free port, with an empty database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)],
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
        # What the stand-in cannot do it answers with status 500, which the connector repeats.
        "snowflake_network_timeout": 20,
    }
    try:
        _wait_for(port)
        yield Settings(**{**values, **changes})
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("the Snowflake stand-in did not start")
