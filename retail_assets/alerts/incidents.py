"""What is wrong, as somebody has to know it: one incident for one trouble, however often it is seen."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["warning", "error"]

# Of what no asset is the cause: runs, schedules and sensors.
PLATFORM = "team:data-platform"


@dataclass(frozen=True)
class Incident:
    """Something that is wrong until it has recovered."""

    # The same trouble has the same fingerprint, however often it is seen.
    fingerprint: str
    severity: Severity
    title: str
    text: str
    """What is wrong, in a sentence or a few lines."""
    owner: str
    seen_at: float
    """When it was seen, in seconds since 1970."""
    partition: str = ""
    tables: tuple[str, ...] = ()
    """The marts that are made of what is wrong."""
    pages: tuple[str, ...] = ()
    """The dashboards that show them, extracts and reports."""
    rows: str = ""
    """Some of the rows, as a table in text."""
    remedy: str = ""
    link: str = ""
