"""The results, for the terminal and for docs/benchmarks.md."""

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version

from rich.table import Table

from benchmarks.breakdown import Part
from benchmarks.company import DAY_AGAINST_DBT, GROWTH_OF_A_DAY, Company
from benchmarks.rows import Row

_LIBRARIES = (
    "dagster", "dagster-dbt", "dagster-dlt", "dbt-core", "dbt-duckdb", "dlt", "duckdb", "pyarrow",
    "adbc-driver-sqlite", "sqlalchemy",
)  # fmt: skip
_HEADINGS = (
    "what",
    "seconds",
    "peak memory",
    "against",
    "its seconds",
    "its peak",
    "ratio",
    "target",
)

_HOW = """\
Written by `make bench`; do not edit. Every measurement is a whole process, from start to end, on a
copy of the same prepared state. Seconds are medians. A ratio is the median over pairs measured in
alternation, so that it means the same on another machine. Peak memory is that of the largest
process."""
_REMARKS = """\
- Ingestion: one year of order lines from SQLite into raw, with hashes, versions and deletions; the
  orders they belong to are there before. The baselines only append.
- A daily run includes what its baseline does not do: events, and publishing a copy for readers.
  `dbt build` runs as users run it, and parses the project again because the window is another one.
- Backfill over what is there: all days but the last were built before, and their rows are replaced.
  From nothing: the warehouse is empty."""
_COMPANY = """\
All six systems and all models; the longer history is of the same size of business. Each step is one
process, measured once, the daily run the median of three days in a row."""
_NESTING = """\
An indented part is contained in the one above it. Events are stored while dbt works, so that their
time does not come in addition to that of the steps."""

Cells = tuple[str, ...]


def cells(row: Row) -> Cells:
    """A row as text."""
    measured = row.measured
    sign = "≤" if row.bound == "at most" else "≥"
    faster = "" if row.bound == "at most" else " times as fast"
    return (
        row.what,
        f"{measured.subject.seconds:.1f}",
        _megabytes(measured.subject.peak_bytes),
        row.baseline,
        f"{measured.baseline.seconds:.1f}",
        _megabytes(measured.baseline.peak_bytes),
        f"{row.ratio:.2f}{faster} ({measured.pairs} {'pair' if measured.pairs == 1 else 'pairs'})",
        f"{sign} {row.target:g}{'' if row.met else ', missed'}",
    )


def table(rows: Iterable[Row]) -> Table:
    """For the terminal."""
    result = Table(*_HEADINGS, title="Benchmarks")
    for row in rows:
        result.add_row(*cells(row), style="" if row.met else "red")
    return result


def breakdown_table(parts: Iterable[Part]) -> Table:
    """For the terminal."""
    result = Table("part", "seconds", title="Where a daily run's time goes")
    for part in parts:
        result.add_row("  " * part.depth + part.name, f"{part.seconds:.2f}")
    return result


def company_rows(companies: Sequence[Company]) -> list[Cells]:
    """One line per step: seconds and peak memory at each size, and how they grow."""
    small, large = companies[0], companies[-1]
    lines = [("", *(f"{each.order_lines:,} order lines, {each.days:,} days" for each in companies), "growth")]
    for step in small.steps:
        usages = [each.of(step.what) for each in companies]
        growth = f"{large.of(step.what).seconds / step.usage.seconds:.2f}"
        if step is small.steps[-1]:
            growth += f" (target ≤ {GROWTH_OF_A_DAY:g})"
        figures = (f"{usage.seconds:.1f} s, {_megabytes(usage.peak_bytes)}" for usage in usages)
        lines.append((step.what, *figures, growth))
    return lines


def company_remark(companies: Sequence[Company]) -> str:
    """What a daily run is against dbt alone."""
    return (
        f"At {companies[0].order_lines:,} order lines a daily run took {companies[0].against_dbt:.2f} times"
        " as long\nas the ingestion alone and then `dbt build` of the same day"
        f" (target ≤ {DAY_AGAINST_DBT:g})."
    )


def company_table(companies: Sequence[Company]) -> Table:
    """For the terminal."""
    headings, *lines = company_rows(companies)
    result = Table(*headings, title="All six systems, all models", caption=company_remark(companies))
    for line in lines:
        result.add_row(*line)
    return result


def markdown(rows: Sequence[Row], parts: Sequence[Part], companies: Sequence[Company]) -> str:
    """For docs/benchmarks.md."""
    nested = [("&nbsp;" * 4 * part.depth + part.name, f"{part.seconds:.2f}") for part in parts]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            _HOW,
            "",
            f"Machine: {machine()}.",
            "",
            *_markdown_table(_HEADINGS, map(cells, rows)),
            "",
            _REMARKS,
            "",
            "## The whole company",
            "",
            _COMPANY,
            "",
            *_markdown_table(company_rows(companies)[0], company_rows(companies)[1:]),
            "",
            company_remark(companies),
            "",
            "## Where a daily run's time goes",
            "",
            "Of the ERP's deployment, as in the first table.",
            "",
            _NESTING,
            "",
            *_markdown_table(("part", "seconds"), nested),
            "",
            "## Versions",
            "",
            f"Python {platform.python_version()}; "
            + ", ".join(f"{library} {version(library)}" for library in _LIBRARIES)
            + ".",
            "",
        ]
    )


def machine() -> str:
    """Its size."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {platform.machine()}"


def _markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(line) + " |" for line in (headings, ["---"] * len(headings), *rows)
    ]  # fmt: skip


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
