"""What is said of each kind of result: a title, text, and tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.breakdown import Part
from benchmarks.company import DAY_AGAINST_DBT, GROWTH_OF_A_DAY, Company, Growth
from benchmarks.measure import Comparison, Usage
from benchmarks.rows import Row
from benchmarks.segments import Segments

Lines = Sequence[Sequence[str]]
"""A table; its first line is the headings."""

COMPARED, COMPANY = "Against baselines", "The whole company"
SEGMENTS, BREAKDOWN = "Customer segments", "Where a daily run's time goes"
TITLES = (COMPARED, COMPANY, SEGMENTS, BREAKDOWN)
"""In the order of the document."""

_COMPARED = ("what", "seconds", "peak memory", "against", "its seconds", "its peak", "ratio")
_ROWS = """\
- Ingestion: one year of order lines from SQLite into raw, with hashes, versions and deletions; the
  orders they belong to are there before. The baselines only append.
- SQL Server: the tests' own server of its protocol, in a process that is not measured, sends the same rows.
  Both columns of seconds are of CPU.
- A daily run includes what its baseline does not do: events, and publishing a copy for readers.
  `dbt build` runs as users run it, and parses the project again because the window is another one.
- Backfill over what is there: all days but the last were built before, and their rows are replaced.
  From nothing: the warehouse is empty."""
_COMPANY = """\
All six systems and all models. The shorter history is of as large a business as the longer one is in the
end, so that a day brings as many changes. Each step is one process, measured once. After a backfill the
first two daily runs take longer: they make the second of the two copies that readers take turns on, and
read much from disk for the first time. The daily run is the median of the five days after them, on which
both sizes take turns."""
_SEGMENTS = """\
Each step is a process of its own on the same state, and includes starting Python and its imports. The
feature mart and the whole weekly runs are `retail-assets backfill --weekly`, and also publish the
warehouse for its readers. What has a baseline is a median; the rest was measured once."""
_SEGMENTS_COMPARED = """\
- `predict` reads the features of everybody who has bought into memory, and writes consumers and
  segments into a new table. The assignment in the warehouse replaces the week's rows, and also finds
  distance, confidence and last week's segment. Both put every consumer into the same segment.
- The fits read the same sample from the finished feature mart: median, scaling, one-hot encoding,
  k-means with 10 starts on all cores; one with as many segments as the model has, or one for each number
  that training tries, with its silhouette. The whole weekly run builds the feature mart first, tries each
  number on resamples too, assigns and profiles everybody, checks, draws pictures and publishes."""
_BREAKDOWN = """\
Of the ERP's deployment, as in the first table.

An indented part is contained in the one above it. Events are stored while dbt works, so that their
time does not come in addition to that of the steps."""


@dataclass(frozen=True)
class Section:
    """A part of the report. `text` stands before the tables, `remarks` after them."""

    title: str
    tables: tuple[Lines, ...]
    text: str = ""
    remarks: str = ""


def comparisons(rows: Sequence[Row]) -> Section:
    """Everything that has a baseline and a target."""
    return Section(COMPARED, ([(*_COMPARED, "target"), *map(cells, rows)],), remarks=_ROWS)


def cells(row: Row) -> Sequence[str]:
    """A row as text."""
    sign = "≤" if row.bound == "at most" else "≥"
    faster = "" if row.bound == "at most" else " times as fast"
    compared = _compared(row.what, row.baseline, row.measured, f"{row.ratio:.2f}{faster}")
    return (*compared, f"{sign} {row.target:g}{'' if row.met else ', missed'}")


def whole_company(growth: Growth) -> Section:
    """Seconds and peak memory of each step at each size, and how they grow."""
    short, long, daily = growth.short, growth.long, growth.daily
    lines = [("", _size(short), _size(long), "growth")]
    for one, other in zip(short.steps, long.steps, strict=True):
        ratio = f"{other.usage.seconds / one.usage.seconds:.2f}"
        lines.append((one.what, _together(one.usage), _together(other.usage), ratio))
    missed = ", missed" if daily.ratio > GROWTH_OF_A_DAY else ""
    ratio = f"{daily.ratio:.2f} ({daily.pairs} pairs; target ≤ {GROWTH_OF_A_DAY:g}{missed})"
    lines.append(("one daily run", _together(daily.baseline), _together(daily.subject), ratio))
    remarks = (
        f"At {short.order_lines:,} order lines a daily run took {growth.against_dbt.ratio:.2f} times as long"
        f"\nas the ingestion alone and then `dbt build` of the same day (target ≤ {DAY_AGAINST_DBT:g})."
    )
    return Section(COMPANY, (lines,), _COMPANY, remarks)


def _size(company: Company) -> str:
    lines, last = f"{company.order_lines:,} order lines", f"the last with {company.lines_of_a_day:,} each"
    return f"{lines}, {company.days:,} days, {last}"


def customer_segments(segments: Segments) -> Section:
    """Each step of a week, and what scikit-learn alone takes."""
    size = (
        f"At the end of the week the retailer's six systems know {segments.consumers:,} consumers, of whom"
        f" {segments.buyers:,} have\nbought; {segments.order_lines:,} order lines in {segments.days} days."
        f" {segments.clustered} of {segments.features} features are clustered,\ninto {segments.segments}"
        " segments."
    )
    steps = [("step", "seconds", "peak memory")]
    steps += [(each.what, *_used(each.usage)) for each in segments.steps]
    against = [
        _compared(each.what, each.baseline, each.measured, f"{each.measured.ratio:.2f}")
        for each in segments.comparisons
    ]
    tables = (steps, [_COMPARED, *against])
    return Section(SEGMENTS, tables, f"{size}\n\n{_SEGMENTS}", _SEGMENTS_COMPARED)


def breakdown(parts: Sequence[Part]) -> Section:
    """Each part's seconds."""
    lines = [("\N{NO-BREAK SPACE}" * 4 * part.depth + part.name, f"{part.seconds:.2f}") for part in parts]
    return Section(BREAKDOWN, ([("part", "seconds"), *lines],), _BREAKDOWN)


def _compared(what: str, baseline: str, measured: Comparison, ratio: str) -> Sequence[str]:
    pairs = f"{measured.pairs} {'pair' if measured.pairs == 1 else 'pairs'}"
    return (what, *_used(measured.subject), baseline, *_used(measured.baseline), f"{ratio} ({pairs})")


def _used(usage: Usage, unit: str = "") -> tuple[str, str]:
    return f"{usage.seconds:.1f}{unit}", f"{usage.peak_bytes / 1e6:,.0f} MB"


def _together(usage: Usage) -> str:
    return ", ".join(_used(usage, " s"))
