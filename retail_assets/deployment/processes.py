"""How the project's processes begin and end."""

import atexit
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn


def become(arguments: Sequence[str]) -> NoReturn:
    """Be another program.

    Dagster's processes end on SIGTERM as they do on SIGINT, and a shell has what it starts in the background
    ignore that one: they would end on neither.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(arguments[0], list(arguments))


def end_quietly() -> None:
    """Say nothing after Python's last word: DuckDB would list what it has not freed, in 40 lines."""
    atexit.register(_be_quiet)


def _be_quiet() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
