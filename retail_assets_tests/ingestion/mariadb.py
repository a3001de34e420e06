"""A MariaDB of the tests' own, where the machine has its programs."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# The server's own zone: what is read must not depend on it.
ZONE = "+09:00"


@contextmanager
def server() -> Iterator[str]:
    """A server with an empty database; its SQLAlchemy URL. The test is skipped where there is none."""
    install, daemon = shutil.which("mariadb-install-db"), shutil.which("mariadbd", path=_path())
    if not (install and daemon):
        pytest.skip("there is no MariaDB")
    pytest.importorskip("pymysql")
    # Unless it is told so, it refuses to run as root.
    user = f"--user={getpass.getuser()}"
    with tempfile.TemporaryDirectory(prefix="mariadb-") as home:
        data, port = f"{home}/data", _free_port()
        subprocess.run(
            [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", user],
            cwd=home,
            check=True,
            capture_output=True,
        )
        # No mode: it takes dates such as 0000-00-00, as many shops have them.
        options = f"--port={port} --bind-address=127.0.0.1 --sql-mode= --default-time-zone={ZONE}".split()
        running = subprocess.Popen(
            [daemon, "--no-defaults", f"--datadir={data}", f"--socket={home}/socket", user, *options],
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            yield f"mysql+pymysql://root@127.0.0.1:{port}/test?charset=utf8mb4"
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
