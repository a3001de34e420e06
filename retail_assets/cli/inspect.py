"""How an inspection reads: system by system, the tables that need a look first."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from retail_assets.inspection.findings import Inspection, Level, SystemFindings, TableFindings
from retail_assets.resources.terminal import lines

_STYLES: dict[Level, str] = {"loss": "red", "look": "yellow", "note": "dim"}
# One of each kind of loss, and several.
_LOSSES = {
    "unreadable": ("table that cannot be loaded", "tables that cannot be loaded"),
    "file": ("file that is refused", "files that are refused"),
    "unfinished": ("file that is not whole", "files that are not whole"),
    "refused": ("row that is refused", "rows that are refused"),
    "duplicate": ("row whose key another row has", "rows whose keys other rows have"),
    "quarantine": ("row in quarantine", "rows in quarantine"),
    "status": ("row of an unknown status, which is no sale", "rows of unknown statuses, which are no sales"),
    "expected": ("table that is looked for in vain", "tables that are looked for in vain"),
    "half": ("line of an order that is not there", "lines of orders that are not there"),
    "outside": ("row outside every partition", "rows outside every partition"),
}


def report(inspection: Inspection) -> Group:
    """For people."""
    return Group(*_parts(inspection))


def _parts(inspection: Inspection) -> Iterator[RenderableType]:
    for system in inspection.systems:
        yield from _system(system)
        yield Text()
    if inspection.error:
        yield lines(inspection.error, "red")
        yield Text()
    days = f"{inspection.first} to {inspection.last} ({inspection.timezone})"
    if inspection.is_without_loss:
        yield Text("Nothing would be lost", "green") + f" by a first run of {days}."
    else:
        yield Text("Something would be lost", "bold red") + f" by a first run of {days}:"
        yield from (lines(f"  {line}", "red") for line in _losses(inspection))


def _system(system: SystemFindings) -> Iterator[RenderableType]:
    by = f" by {system.mapping}" if system.mapping else ""
    yield lines(f"{system.name}: {system.place}{by}", "bold")
    if system.error:
        yield Padding(lines(system.error, "red"), (0, 0, 0, 2))
        return
    there = [table for table in system.worst_first if table.place is not None or table.of("loss", "look")]
    width = max((len(table.name) for table in there), default=0)
    count = max((len(f"{table.rows:,}") for table in there), default=0)
    for table in there:
        yield _verdict(table, width, count)
        yield from _findings(table)
    absent = [table for table in system.tables if table not in there]
    if absent:
        yield Text(f"  not there: {', '.join(table.name for table in absent)}", "dim")
        for table in absent:
            yield from _findings(table)


def _verdict(table: TableFindings, width: int, count: int) -> Text:
    style = next((_STYLES[each.level] for each in table.of("loss", "look")), "green")
    rows = f"{table.rows:>{count},} row{' ' if table.rows == 1 else 's'}"
    return Text(f"  {table.name:<{width}}  {rows}  ") + Text(table.verdict, style)


def _findings(table: TableFindings) -> Iterator[RenderableType]:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=4)
    grid.add_column(overflow="fold")
    for each in table.of("loss", "look", "note"):
        grid.add_row(Text(each.level, _STYLES[each.level]), lines(each.sentence, _STYLES[each.level]))
    if grid.row_count:
        yield Padding(grid, (0, 0, 0, 4))


def _losses(inspection: Inspection) -> Iterator[str]:
    """How many of each kind. Amounts of different tables are not added up."""
    counts: Counter[str] = Counter()
    for _, each in inspection.losses:
        counts[each.kind] += each.rows or 1
    for kind, number in counts.items():
        yield f"{number:,} {_LOSSES[kind][number > 1]}"
    unread = [system.name for system in inspection.systems if system.error]
    if unread:
        yield f"all of {', '.join(unread)}"
