"""What is wrong, as somebody has to know it: one incident for one trouble, however often it is seen."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
    partitions: tuple[str, ...] = ()
    """Of a check of a run's rows: the partitions, or ranges, in which it did not pass, and has not since."""
    is_event: bool = False
    """Whether it is something that happened in a partition: nothing that can be mended and is right again."""
    tables: tuple[str, ...] = ()
    """The marts that are made of what is wrong."""
    pages: tuple[str, ...] = ()
    """The dashboards that show them, extracts and reports."""
    sources: tuple[str, ...] = ()
    """The source systems whose rows are wrong, each with who answers for it, where somebody is named."""
    rows: str = ""
    """Some of the rows, as a table in text."""
    remedy: str = ""
    link: str = ""

    def merged(self, known: "Incident") -> "Incident":
        """This incident, seen again while it was known."""
        return replace(self, partitions=tuple(dict.fromkeys((*known.partitions, *self.partitions))))

    def after(self, passed: Iterable[str]) -> "Incident | None":
        """What is left of it after runs of these partitions, or ranges of them, in which all is right."""
        left = tuple(each for each in self.partitions if not any(covers(run, each) for run in passed))
        return replace(self, partitions=left) if left else None


def covers(run: str, partition: str) -> bool:
    """Whether a run of a partition or a range, `first to last`, has all of another; one of none has all."""
    if not run or not partition:
        return True
    (first, last), (begin, end) = ends(run), ends(partition)
    return first <= begin and end <= last


def ends(partition: str) -> tuple[str, str]:
    """The first and the last of a partition, or of a range `first to last`; empty ones if there is none."""
    first, _, last = partition.partition(" to ")
    return first, last or first
