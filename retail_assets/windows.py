"""A window of time. Apart from partitions.py, so that ingestion knows nothing of the orchestrator."""

from datetime import datetime
from typing import NamedTuple


class Window(NamedTuple):
    """A closed-open span of time `[start, end)`, both in UTC."""

    start: datetime
    end: datetime
