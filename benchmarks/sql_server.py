"""Order lines of SQL Server: as Arrow that the driver builds, against rows that become Python objects.

The server is the tests' own, in a process of its own that is not measured.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measure import REPOSITORY, BenchmarkError, Comparison, Measured, alternate, compare, work

# Each is sent many times.
DISTINCT = 10_000


def arrow_against_rows(lines: int, rounds: int) -> Comparison | None:
    """By CPU seconds of the reading process; None where mssql-python cannot be loaded."""
    with _served(lines) as urls:

        def reading(driver: str) -> Measured:
            return lambda: work("read_lines", urls[driver], str(lines), environment={}).of_cpu

        try:
            return compare(*alternate(reading("mssqlpython"), reading("pymssql"), rounds=rounds))
        except BenchmarkError as error:
            if "load the driver" in str(error) or "cannot be loaded" in str(error):
                return None
            raise


@contextmanager
def _served(lines: int) -> Iterator[dict[str, str]]:
    """URLs of the server by driver."""
    command = [sys.executable, "-m", "benchmarks.work", "serve_lines", str(lines)]
    server = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        urls = server.stdout.readline().split()
        if len(urls) != 2:
            raise BenchmarkError("The tests' server of SQL Server's protocol did not start.")
        yield dict(zip(("mssqlpython", "pymssql"), urls, strict=True))
    finally:
        server.terminate()
        server.wait()
