"""The results, for the terminal and for docs/benchmarks.md."""

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.table import Table

from benchmarks import sections
from benchmarks.breakdown import Part
from benchmarks.company import Growth
from benchmarks.measure import REPOSITORY
from benchmarks.rows import Row
from benchmarks.sections import Lines, Section
from benchmarks.segments import Segments

_SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_HOW = """\
Written by `make bench`; do not edit. Every measurement is a whole process, from start to end, on a
copy of the same prepared state. Seconds are medians. A ratio is the median over pairs measured in
alternation, so that it means the same on another machine. Peak memory is that of the largest
process."""


@dataclass
class Results:
    """What was measured so far."""

    rows: list[Row] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    growth: Growth | None = None
    segments: Segments | None = None

    def sections(self) -> Iterator[Section]:
        """One for each kind of result that is there."""
        if self.rows:
            yield sections.comparisons(self.rows)
        if self.growth:
            yield sections.whole_company(self.growth)
        if self.segments:
            yield sections.customer_segments(self.segments)
        if self.parts:
            yield sections.breakdown(self.parts)


def tables(section: Section) -> Iterator[Table]:
    """For the terminal."""
    for headings, *lines in section.tables:
        result = Table(*headings, title=section.title)
        for line in lines:
            result.add_row(*line)
        yield result


def markdown(results: Results, former: str) -> str:
    """docs/benchmarks.md, given what is there: what was not measured now stays."""
    measured = {each.title: f"{_body(each)}\n\n{_when()}" for each in results.sections()}
    kept = dict(_SECTION.findall(former))
    bodies = ((title, measured.get(title) or kept.get(title, "").strip()) for title in sections.TITLES)
    parts = [f"## {title}\n\n{body}" for title, body in bodies if body]
    return "\n\n".join(["# Benchmarks", _HOW, *parts]) + "\n"


def _when() -> str:
    """On what a section was measured; the commit's lock has the versions of all libraries."""
    asked = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    today, python = datetime.now(UTC).date(), platform.python_version()
    return f"Measured on {today}: commit {commit}, Python {python}, {machine()}."


def machine() -> str:
    """Its size."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {platform.machine()}"


def _body(section: Section) -> str:
    return "\n\n".join(
        part for part in (section.text, *map(_markdown_table, section.tables), section.remarks) if part
    )


def _markdown_table(lines: Lines) -> str:
    headings, *rows = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, ["---"] * len(headings), *rows))
